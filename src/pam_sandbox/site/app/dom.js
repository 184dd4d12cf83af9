// Builds elements. Text always becomes a text node: what the API or a person wrote can never turn into markup.

let lastId = 0;

/** One element with its children. An attribute that is a function listens to the event of its name; null leaves it out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The heading of a view; it takes the focus after a change of view, so that a screen reader starts there. */
export const heading = (text) => h("h1", { tabindex: "-1" }, text);

export function newId() {
  lastId += 1;
  return `part-${lastId}`;
}

/** A labelled control. */
export function field(label, control) {
  control.id = newId();
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control);
}

/** A form whose submission is this page's business; while it is at work, further presses are ignored. */
export function form(attributes, submit, ...children) {
  let busy = false;
  async function once(event) {
    event.preventDefault();
    if (busy) return;
    busy = true;
    await submit().finally(() => (busy = false));
  }
  return h("form", { ...attributes, submit: (event) => void once(event) }, ...children);
}

/** A place for one error at a time. The alert exists only while there is one: nothing empty is announced. */
export function problemBox() {
  const element = h("div", { class: "problem-box" });
  function show(what, error = null) {
    if (error?.isCancelled) return;
    const words = error === null ? what : `${what} ${error.message}`;
    element.replaceChildren(h("div", { role: "alert", class: "problem" }, h("p", {}, words)));
  }
  return { element, show, clear: () => element.replaceChildren() };
}

/** Resolves to true when the person chose `action`; Escape and the other button mean no. */
export function confirmed(question, consequence, action) {
  return new Promise((resolve) => {
    const id = newId();
    const choice = (words, answer) => h("button", { type: "button", click: () => dialog.close(answer) }, words);
    const dialog = h(
      "dialog",
      { "aria-labelledby": id },
      h("h2", { id }, question),
      h("p", {}, consequence),
      h("p", { class: "actions" }, choice("Keep", ""), choice(action, "yes")),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
