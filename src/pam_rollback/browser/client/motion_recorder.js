// Runs before any script of a page: which elements were set in motion since, whether or not they still move when somebody asks, and
// when something in the page changed last, or a script asked to draw the next picture: a chart that grows has not come to its end.
() => {
  const changed = () => (window.__pamChangedMs = performance.now());
  changed();
  new MutationObserver(changed).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const draw = window.requestAnimationFrame;
  window.requestAnimationFrame = function (callback) {
    changed();
    return draw.call(window, callback);
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
