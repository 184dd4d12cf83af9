// Puts the page together: where the API is, who is signed in, which view belongs to which address, and what surrounds it.

import { h, heading, problemBox } from "./dom.js";
import * as service from "./service.js";
import { chat } from "./views/chat.js";
import { home, login, money, notFound, profile, settings, trips } from "./views/pages.js";

const SITE = "Wheels & Wins";
const FLAGS_AGAIN_MS = 2000;
const FLAGS_PATIENCE_MS = 3000;
const VIEWS = {
  "/": { name: "Home", view: home },
  "/pam": { name: "PAM", view: chat, forAccounts: true },
  "/wins": { name: "Wins", view: money, forAccounts: true },
  "/wheels": { name: "Wheels", view: trips, forAccounts: true },
  "/profile": { name: "Profile", view: profile, forAccounts: true },
  "/settings": { name: "Settings", view: settings, forAccounts: true },
  "/login": { name: "Log in", view: login },
};

const main = document.getElementById("main");
const account = h("div", { class: "account" });
const places = h("ul", { class: "places" });
const release = document.querySelector("meta[name=pam-release]").content;
let leave = () => {};
let turn = 0;

/** Names the page in the browser's tab and history. */
const nameThePage = (title) => (document.title = title === SITE ? SITE : `${title} | ${SITE}`);

/** Says something to people who use a screen reader, in a later turn: the same words twice would else be no change. */
function announce(words) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = words), 50);
}

/** The person's profile. */
async function loadAccount() {
  const found = await service.get("/api/v1/profile");
  service.expectShape(typeof found?.email === "string");
  return found;
}

function surround(path, signedIn) {
  const shown = Object.entries(VIEWS).filter(([at]) => at !== "/login");
  const link = (at, words) => h("a", { href: at, "aria-current": at === path ? "page" : null }, words);
  places.replaceChildren(...shown.map(([at, place]) => h("li", {}, link(at, place.name))));
  const logOutButton = account.querySelector("button") ?? h("button", { type: "button", click: logOut }, "Log out");
  account.replaceChildren(signedIn ? logOutButton : link("/login", "Log in"));
}

function logOut() {
  service.signOut();
  navigate("/");
  announce("You are logged out.");
}

function navigate(path, { replace = false, state = null } = {}) {
  history[replace ? "replaceState" : "pushState"](state, "", path);
  void show(true);
}

async function show(moveFocus) {
  leave();
  turn += 1;
  const now = turn;
  const path = location.pathname;
  const place = VIEWS[path] ?? { name: "Page not found", view: notFound };
  const signedIn = service.token() !== null;
  if (place.forAccounts && !signedIn) {
    service.signOut();
    navigate("/login", { replace: true, state: { message: "Please log in to see this page.", next: path } });
    return;
  }
  if (path === "/login" && signedIn) {
    navigate("/pam", { replace: true });
    return;
  }
  surround(path, signedIn);
  const read = service.readFlags();
  // The first picture of the chat must already be the right one: somebody without a feature never sees it flash up.
  if (place.view === chat) await Promise.race([read, new Promise((late) => setTimeout(late, FLAGS_PATIENCE_MS))]);
  if (now !== turn) return;
  const view = place.view({ loadAccount, navigate, announce, signedIn });
  leave = view.leave ?? (() => {});
  main.replaceChildren(view.element);
  nameThePage(path === "/" ? SITE : place.name);
  if (moveFocus) {
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
  void view.ready?.();
}

function run({ apiUrl }) {
  const ended = () => {
    service.signOut();
    const state = { message: "Your session has ended. Please log in again.", next: location.pathname };
    navigate("/login", { replace: true, state });
  };
  service.connect({ apiUrl, release, ended });
  service.onFlags(() => {
    if (service.isOn(service.ENHANCED_UI)) document.body.dataset.feature = "enhanced-ui";
    else delete document.body.dataset.feature;
  });
  document
    .getElementById("site-header")
    .replaceChildren(h("a", { class: "brand", href: "/" }, SITE), h("nav", { "aria-label": "Main" }, places), account);
  document.getElementById("site-footer").replaceChildren(h("p", {}, "Page release ", h("span", {}, release)));
  // Again and again, so that a rollback shows at once where a feature changes what is seen.
  setInterval(() => {
    if (location.pathname === "/pam" && document.visibilityState === "visible") void service.readFlags();
  }, FLAGS_AGAIN_MS);
  document.addEventListener("click", follow);
  window.addEventListener("popstate", () => void show(true));
  void show(false);
}

function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (link === null || !plain || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  navigate(link.pathname, { state: link.dataset.ask === undefined ? null : { ask: link.dataset.ask } });
}

async function start() {
  try {
    const config = await service.fetchJson("/config.json");
    service.expectShape(typeof config?.apiUrl === "string");
    run(config);
  } catch (problem) {
    const box = problemBox();
    main.replaceChildren(heading(`${SITE} cannot start`), box.element);
    box.show("The site could not find its service.", problem);
  }
}

/** Asks for the service worker once the page has loaded; a browser that wants none does without. */
async function registerWorker() {
  const registration = await navigator.serviceWorker.register("/sw.js");
  // Left to itself, a browser takes its time to look for a newer one, and a rolled back worker has to go at once.
  if (navigator.serviceWorker.controller !== null) await registration.update();
}

document.querySelector(".skip-link").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
if ("serviceWorker" in navigator) window.addEventListener("load", () => void registerWorker().catch(() => {}));
void start();
