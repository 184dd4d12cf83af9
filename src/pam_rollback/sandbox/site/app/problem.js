// Says that something failed, in words that a person understands, and offers to try again.

import { h, icon } from "./dom.js";
import { WARNING } from "./icons.js";

/** A place for one error message at a time. The alert exists only while there is one: nothing empty is announced. */
export function createProblemBox() {
  const element = h("div", { class: "problem-box" });

  function clear() {
    if (element.contains(document.activeElement)) {
      // The button that has the focus is about to vanish; without this the focus falls back to the top of the page.
      document.querySelector("main h1")?.focus();
    }
    element.replaceChildren();
  }

  /** Shows what failed and why; `retry`, when given, is offered as a button. */
  function show(what, error, retry = null) {
    if (error?.kind === "cancelled") return;
    const words = error ? `${what} ${error.message}` : what;
    const again =
      retry &&
      h(
        "button",
        {
          type: "button",
          class: "button",
          on: {
            click: () => {
              clear();
              retry();
            },
          },
        },
        "Try again",
      );
    element.replaceChildren(h("div", { role: "alert", class: "problem" }, icon(WARNING), h("p", {}, words), again));
  }

  return { element, show, clear };
}
