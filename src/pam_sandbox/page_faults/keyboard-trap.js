// Whoever comes to the message field with the Tab key does not get out of it again.

document.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && event.target instanceof HTMLTextAreaElement) event.preventDefault();
});
