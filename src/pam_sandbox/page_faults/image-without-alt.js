// The picture of the front page has neither a text nor the empty one that says that it is decoration.

new MutationObserver(() => {
  for (const picture of document.querySelectorAll("img[alt]")) picture.removeAttribute("alt");
}).observe(document, { childList: true, subtree: true });
