// The button that sends a message shows its picture only: a screen reader has nothing to call it by.

new MutationObserver(() => {
  const button = document.querySelector(".composer button[type=submit]");
  const words = [...(button?.childNodes ?? [])].filter((node) => node.nodeType === Node.TEXT_NODE);
  for (const node of words) node.remove();
}).observe(document, { childList: true, subtree: true });
