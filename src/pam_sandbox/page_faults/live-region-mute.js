// PAM answers as ever, but the place that a screen reader listens to is an ordinary one: nobody hears the answer.

document.addEventListener("DOMContentLoaded", () => {
  const announcer = document.getElementById("announcer");
  announcer.removeAttribute("role");
  announcer.removeAttribute("aria-live");
});
