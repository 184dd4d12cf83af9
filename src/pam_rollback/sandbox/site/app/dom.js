// Builds elements. Text always becomes a text node: what the API or a person wrote can never turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * One element with its attributes, listeners and children.
 *
 * `on` holds listeners by event name, `data` holds data-* values; an attribute that is null or false is left out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A decorative icon, drawn with the colour of the text around it. */
export function icon(paths) {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", "0 0 24 24");
  element.setAttribute("class", "icon");
  element.setAttribute("aria-hidden", "true");
  element.setAttribute("focusable", "false");
  for (const outline of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", outline);
    element.append(path);
  }
  return element;
}

/** The heading of a view; it takes the focus after a change of view, so that a screen reader starts there. */
export function viewHeading(text) {
  return h("h1", { tabindex: "-1" }, text);
}

let lastId = 0;

/** An id that no other element of this page has. */
export function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}
