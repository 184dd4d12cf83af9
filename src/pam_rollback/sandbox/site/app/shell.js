// What surrounds every view: name of the site, navigation, account, releases, and the voice for screen readers.

import { h, icon } from "./dom.js";
import { CHAT, HOME, MONEY, PERSON, SLIDERS, VAN, WHEEL } from "./icons.js";

const PLACES = [
  ["/", "Home", HOME, false],
  ["/pam", "PAM", CHAT, false],
  ["/wins", "Wins", MONEY, false],
  ["/wheels", "Wheels", VAN, false],
  ["/profile", "Profile", PERSON, true],
  ["/settings", "Settings", SLIDERS, true],
];

/** Draws the header and the footer; `onLogout` runs when the person logs out. */
export function createShell(onLogout) {
  const announcer = document.getElementById("announcer");
  const links = h("ul", { class: "places" });
  const account = h("div", { class: "account" });
  const pageRelease = h("span", { data: { testid: "page-release" } }, "not known");
  const apiRelease = h("span", { data: { testid: "api-release" } }, "not known");

  document
    .getElementById("site-header")
    .replaceChildren(
      h(
        "div",
        { class: "header-inner" },
        h("a", { class: "brand", href: "/" }, icon(WHEEL), "Wheels & Wins"),
        h("nav", { "aria-label": "Main" }, links),
        account,
      ),
    );
  document
    .getElementById("site-footer")
    .replaceChildren(
      h("p", {}, "Wheels & Wins: travel planning and budgeting."),
      h(
        "p",
        { class: "releases" },
        h("span", {}, "Page release ", pageRelease),
        h("span", {}, "API release ", apiRelease),
      ),
    );

  /** Draws navigation and account for the view at `path`. */
  function arrive(path, signedIn) {
    links.replaceChildren(
      ...PLACES.filter(([, , , needsSession]) => signedIn || !needsSession).map(([href, label, outline]) =>
        h(
          "li",
          {},
          h("a", { href, "aria-current": href === path ? "page" : null }, icon(outline), h("span", {}, label)),
        ),
      ),
    );
    if (!signedIn) {
      account.replaceChildren(
        h("a", { class: "button", href: "/login", "aria-current": path === "/login" ? "page" : null }, "Log in"),
      );
    } else if (account.querySelector("button") === null) {
      account.replaceChildren(h("button", { type: "button", class: "button", on: { click: onLogout } }, "Log out"));
    }
  }

  /** Shows the name that the API gave, or none: a name from memory would hide a dead back end. */
  function showName(name) {
    account.querySelector(".user-name")?.remove();
    if (name !== null)
      account.prepend(h("span", { class: "user-name", title: name, data: { testid: "user-name" } }, name));
  }

  /** Says something to people who use a screen reader, politely. */
  function announce(words) {
    announcer.textContent = "";
    // A later turn: the same words twice would otherwise be no change, and silent.
    setTimeout(() => {
      announcer.textContent = words;
    }, 50);
  }

  return {
    arrive,
    showName,
    announce,
    showPageRelease: (release) => {
      pageRelease.textContent = release;
    },
    showApiRelease: (release) => {
      apiRelease.textContent = release;
    },
  };
}
