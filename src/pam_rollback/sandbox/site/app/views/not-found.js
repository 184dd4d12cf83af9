// Any address that this site does not have.

import { h, icon, viewHeading } from "../dom.js";
import { VAN } from "../icons.js";

export function notFoundView() {
  return {
    title: "Page not found",
    element: h(
      "div",
      { class: "narrow centred" },
      h("div", { class: "big-icon" }, icon(VAN)),
      viewHeading("This road leads nowhere"),
      h("p", {}, "There is no page at this address. It may have moved, or the address has a typo."),
      h("p", { class: "actions" }, h("a", { class: "button primary", href: "/" }, "Back to the start")),
    ),
  };
}
