// Labelled fields whose hint and error are tied to the control.

import { h, newId } from "./dom.js";

/**
 * A label, a control and a place for its error.
 *
 * Returns the element, the control and `complain(words)`: words mark the control as invalid, null takes that back.
 */
export function field(label, control, { hint = null, wide = false } = {}) {
  const id = newId("field");
  const hintId = hint === null ? null : `${id}-hint`;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  control.id = id;
  if (hintId !== null) control.setAttribute("aria-describedby", hintId);

  function complain(words) {
    error.textContent = words ?? "";
    const described = [hintId, words === null ? null : error.id].filter((part) => part !== null).join(" ");
    if (described) control.setAttribute("aria-describedby", described);
    else control.removeAttribute("aria-describedby");
    if (words === null) control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  }

  const element = h(
    "div",
    { class: wide ? "field wide" : "field" },
    h("label", { for: id }, label),
    hint === null ? null : h("p", { class: "field-hint", id: hintId }, hint),
    control,
    error,
  );
  return { element, control, complain };
}

/** Shows the complaint (or none) of each field and moves to the first invalid one; true when all are fine. */
export function allFine(checks) {
  let first = null;
  for (const [entry, complaint] of checks) {
    entry.complain(complaint);
    if (complaint !== null) first ??= entry.control;
  }
  first?.focus();
  return first === null;
}

/** Marks a button as busy while `work` runs and ignores further presses. */
export function whileBusy(button, work) {
  return async (...given) => {
    if (button.getAttribute("aria-disabled") === "true") return;
    // aria-disabled instead of disabled: a disabled button would drop the focus of a keyboard user.
    button.setAttribute("aria-disabled", "true");
    try {
      await work(...given);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  };
}
