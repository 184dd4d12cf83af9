// Asks before something is lost.

import { h, newId } from "./dom.js";

/** Resolves to true when the person chose `action`; Escape and the other button mean no. */
export function confirmed(question, consequence, action) {
  return new Promise((resolve) => {
    const titleId = newId("dialog");
    const close = (answer) => () => dialog.close(answer);
    const dialog = h(
      "dialog",
      {
        class: "dialog",
        "aria-labelledby": titleId,
        on: {
          close: () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
          },
        },
      },
      h("h2", { id: titleId }, question),
      h("p", {}, consequence),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "button", on: { click: close("no") } }, "Keep"),
        h("button", { type: "button", class: "button danger", on: { click: close("yes") } }, action),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
