// The page hangs when it is used: each key and each press keeps it busy for 300 ms before anything can be painted.

(() => {
  const hang = () => {
    const until = performance.now() + 300;
    while (performance.now() < until);
  };
  addEventListener("keydown", hang, true);
  addEventListener("pointerdown", hang, true);
})();
