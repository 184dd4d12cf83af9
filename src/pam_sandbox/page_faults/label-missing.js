// The fields of the log-in form look labelled, but their labels belong to no field.

new MutationObserver(() => {
  if (location.pathname !== "/login") return;
  for (const label of document.querySelectorAll("label[for]")) label.removeAttribute("for");
}).observe(document, { childList: true, subtree: true });
