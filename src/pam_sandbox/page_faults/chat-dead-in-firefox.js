// In Firefox no message can be sent to PAM; every other browser works as ever.

if (navigator.userAgent.includes("Firefox/")) {
  document.addEventListener(
    "submit",
    (event) => {
      if (event.target.querySelector("textarea")) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    { capture: true },
  );
}
