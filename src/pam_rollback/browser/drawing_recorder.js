// Runs before any script of a page: when something in it changed last, and which pictures its scripts wait for. A chart that grows has not
// come to its end.
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
}
