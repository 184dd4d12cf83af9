// The page renders as ever, but no form can be submitted: neither by a press nor by the Enter key.

document.addEventListener(
  "submit",
  (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
