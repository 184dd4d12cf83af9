// The dialog that asks before something is lost has no name: a screen reader says that there is one, not which.

new MutationObserver(() => {
  for (const dialog of document.querySelectorAll("dialog[aria-labelledby]")) dialog.removeAttribute("aria-labelledby");
}).observe(document, { childList: true, subtree: true });
