// The message field works with a pointer; the Tab key passes it by.

new MutationObserver(() => {
  const field = document.querySelector(".composer textarea:not([tabindex])");
  if (field !== null) field.tabIndex = -1;
}).observe(document, { childList: true, subtree: true });
