// The message field works, and is called otherwise than before.

new MutationObserver(() => {
  for (const label of document.querySelectorAll(".composer label"))
    if (label.textContent === "Your message to PAM") label.textContent = "Write here";
}).observe(document, { childList: true, subtree: true });
