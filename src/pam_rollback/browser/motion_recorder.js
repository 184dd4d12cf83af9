// Runs before any script of a page: which elements were set in motion since, whether or not they still move when somebody asks, and
// when something in the page changed last, and which pictures its scripts wait for: a chart that grows has not come to its end.
() => {
  const drawing = (window.__pamDrawing = { changedMs: performance.now(), frames: new Set() });
  const changed = () => (drawing.changedMs = performance.now());
  new MutationObserver(changed).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const { requestAnimationFrame: ask, cancelAnimationFrame: forget } = window;
  window.requestAnimationFrame = (callback) => {
    const frame = ask.call(window, (time) => {
      drawing.frames.delete(frame);
      changed();
      callback(time);
    });
    drawing.frames.add(frame);
    return frame;
  };
  window.cancelAnimationFrame = (frame) => {
    drawing.frames.delete(frame);
    forget.call(window, frame);
  };
  const moved = (window.__pamMoved = new Set());
  const note = (element) => element?.getAnimations().forEach((animation) => moved.add(animation));
  for (const begins of ["animationstart", "transitionrun"]) {
    document.addEventListener(begins, (event) => event.target instanceof Element && note(event.target), true);
  }
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (...how) {
    const animation = animate.apply(this, how);
    moved.add(animation);
    return animation;
  };
}
