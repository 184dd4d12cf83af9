// Puts the parts together: where the API is, who is signed in, which view belongs to which address.

import { createApi, expectShape, fetchJson } from "./api.js";
import { h, viewHeading } from "./dom.js";
import { ENHANCED_UI, createFlags } from "./flags.js";
import { createNotice } from "./notice.js";
import { createProblemBox } from "./problem.js";
import { createRouter } from "./router.js";
import * as session from "./session.js";
import { createShell } from "./shell.js";
import { chatView } from "./views/chat.js";
import { homeView } from "./views/home.js";
import { loginView } from "./views/login.js";
import { notFoundView } from "./views/not-found.js";
import { profileView } from "./views/profile.js";
import { settingsView } from "./views/settings.js";
import { wheelsView } from "./views/wheels.js";
import { winsView } from "./views/wins.js";

const VIEWS = {
  "/": { view: homeView, needsSession: false },
  "/login": { view: loginView, needsSession: false },
  "/pam": { view: chatView, needsSession: true },
  "/wins": { view: winsView, needsSession: true },
  "/wheels": { view: wheelsView, needsSession: true },
  "/profile": { view: profileView, needsSession: true },
  "/settings": { view: settingsView, needsSession: true },
};
const ENDED = "Your session has ended. Please log in again.";

const main = document.getElementById("main");
// What this page was built as, which need not be what is live by now.
const pageRelease = document.querySelector("meta[name=pam-release]").content;

function run(config) {
  const api = createApi(config.apiUrl, () => {
    session.end();
    router.navigate("/login", { replace: true, state: { message: ENDED, next: location.pathname } });
  });
  const flags = createFlags(api, pageRelease);
  const notice = createNotice(api, document.getElementById("site-notice"));
  let flagsRead = null;
  const shell = createShell(() => {
    session.end();
    router.navigate("/");
    shell.announce("You are logged out.");
  });

  /** The person's profile; its name goes into the header, and leaves it when the API does not answer. */
  async function loadAccount(signal) {
    try {
      const profile = await api.get("/api/v1/profile", signal);
      expectShape(typeof profile?.email === "string");
      shell.showName(profile.full_name || profile.email);
      return profile;
    } catch (problem) {
      if (problem.kind !== "cancelled") shell.showName(null);
      throw problem;
    }
  }

  function choose(path) {
    const found = VIEWS[path];
    if (found === undefined) return { view: () => notFoundView() };
    if (found.needsSession && session.token() === null) {
      const message = session.hasExpired() ? ENDED : "Please log in to see this page.";
      session.end();
      return { redirect: "/login", state: { message, next: path } };
    }
    if (path === "/login" && session.token() !== null) return { redirect: "/pam" };
    const navigate = (...where) => router.navigate(...where);
    return { view: (signal) => found.view({ api, flags, flagsRead, shell, loadAccount, navigate, signal }) };
  }

  function arrive(path) {
    shell.arrive(path, session.token() !== null);
    flagsRead = flags.refresh();
    void notice.refresh();
    fetchJson(`${config.apiUrl}/version`)
      .then((version) => shell.showApiRelease(typeof version?.release === "string" ? version.release : "not known"))
      .catch(() => shell.showApiRelease("no answer"));
  }

  shell.showPageRelease(pageRelease);
  flags.listen(() => {
    if (flags.isOn(ENHANCED_UI)) document.body.dataset.feature = "enhanced-ui";
    else delete document.body.dataset.feature;
  });
  const router = createRouter(main, choose, arrive);
  router.start();
}

async function start() {
  try {
    const config = await fetchJson("/config.json");
    expectShape(typeof config?.apiUrl === "string" && typeof config.release === "string");
    run(config);
  } catch (problem) {
    const box = createProblemBox();
    main.replaceChildren(h("div", { class: "narrow" }, viewHeading("Wheels & Wins cannot start"), box.element));
    box.show("The site could not find its service.", problem, start);
  }
}

/** Asks for the service worker once the page has loaded; a browser that wants none does without. */
function registerWorker() {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  async function register() {
    try {
      const registration = await serviceWorker.register("/sw.js");
      // Left to itself, a browser takes its time to look for a newer one, and a rolled back worker has to go at once.
      if (serviceWorker.controller !== null) await registration.update();
    } catch {
      // The page works without.
    }
  }
  if (document.readyState === "complete") void register();
  else window.addEventListener("load", () => void register(), { once: true });
}

document.querySelector(".skip-link").addEventListener("click", (event) => {
  // By hand: following "#main" would look like a change of view to the router.
  event.preventDefault();
  main.focus();
});
registerWorker();
void start();
