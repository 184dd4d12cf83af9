// The page jumps: as soon as its heading was painted, something without room of its own pushes everything down.

(() => {
  const push = () => {
    const banner = document.createElement("div");
    banner.textContent = "New: plan with friends";
    banner.style.height = "16rem";
    document.body.prepend(banner);
  };
  const watch = setInterval(() => {
    if (document.querySelector("main h1") === null) return;
    clearInterval(watch);
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(push, 20)));
  }, 20);
})();
