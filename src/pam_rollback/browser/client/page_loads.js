// Runs in every page before its own scripts, behind the web-vitals library and in the same scope: a script of its own would not see it.
// Keeps the latest value of each vital, and when the page last changed.
(() => {
  if (window !== window.top) return;
  const vitals = {};
  let changedMs = performance.now();
  const keep = ({ name, value }) => {
    vitals[name] = value;
  };
  // Every change at once: whoever asks does not wait for the page to be left.
  const options = { reportAllChanges: true, durationThreshold: 16 };
  for (const name of ["LCP", "CLS", "INP", "FCP", "TTFB"]) webVitals[`on${name}`](keep, options);
  new MutationObserver(() => {
    changedMs = performance.now();
  }).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });

  /** The vitals so far, and for how long nothing has changed; after the next picture, so that what was painted is in. */
  const look = () =>
    new Promise((resolve) => {
      const answer = () => resolve({ vitals: { ...vitals }, quietMs: performance.now() - changedMs });
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(answer)));
    });
  Object.defineProperty(window, "pamRollbackPage", { value: { look } });
})();
