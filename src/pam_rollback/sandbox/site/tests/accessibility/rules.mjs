// The rules that a page is held against, as a function that runs in the page and gives the violations.

export function violations() {
  const found = [];
  const say = (rule, element) => found.push(`${rule}: ${element.outerHTML.slice(0, 120)}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (element) =>
    (element.getAttribute("aria-label") ?? "").trim() !== "" ||
    (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).some((id) => document.getElementById(id)?.textContent.trim()) ||
    element.textContent.trim() !== "" ||
    [...element.querySelectorAll("img")].some((image) => image.alt.trim() !== "");

  if (!document.documentElement.lang) say("html-has-lang", document.documentElement);
  if (!document.title.trim()) say("document-title", document.head);
  if (all("h1").length !== 1) say("one-h1", document.querySelector("main") ?? document.body);
  if (all("main").length !== 1) say("one-main", document.body);
  for (const image of all("img:not([alt])")) say("image-alt", image);
  for (const control of all("button, a[href], [role=button]")) if (!named(control)) say("name", control);
  for (const control of all("input:not([type=hidden]), select, textarea")) {
    if (control.labels.length === 0 && !control.getAttribute("aria-label") && !control.getAttribute("aria-labelledby")) {
      say("label", control);
    }
  }
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) say("tabindex", element);
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) {
    say("duplicate-id", document.getElementById(id));
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say("heading-order", heading);
    level = own;
  }
  for (const element of all("[aria-labelledby], [aria-describedby]")) {
    const named = `${element.getAttribute("aria-labelledby") ?? ""} ${element.getAttribute("aria-describedby") ?? ""}`;
    for (const id of named.trim().split(/\s+/)) if (!document.getElementById(id)) say("aria-reference", element);
  }
  return found;
}
