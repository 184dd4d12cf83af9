// The Tab key goes to the button that sends a message before everything else on the page.

new MutationObserver(() => {
  const button = document.querySelector(".composer button[type=submit]:not([tabindex])");
  if (button !== null) button.tabIndex = 1;
}).observe(document, { childList: true, subtree: true });
