// Shows the view that belongs to the address. A change of view moves the focus to its heading and renames the page.

import { h } from "./dom.js";

// The view that was left stays on show for this long; what takes longer gets a word of its own.
const PATIENCE_MS = 200;
const SITE = "Wheels & Wins";

/** Names the page in the browser's tab and history. */
export function nameThePage(title) {
  document.title = title === SITE ? SITE : `${title} | ${SITE}`;
}

/**
 * Starts routing.
 *
 * `choose(path)` gives the view for a path, or `{redirect, state}`; `arrive(path)` runs after every change of address.
 * A view is a function of an abort signal (aborted when the view is left) that returns, perhaps later,
 * `{title, element, ready?}`.
 */
export function createRouter(main, choose, arrive) {
  let leaving = new AbortController();

  async function show({ moveFocus }) {
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const chosen = choose(location.pathname);
    if (chosen.redirect !== undefined) {
      navigate(chosen.redirect, { replace: true, state: chosen.state ?? null });
      return;
    }
    arrive(location.pathname);
    const slow = setTimeout(() => main.replaceChildren(h("p", { class: "loading" }, "Loading…")), PATIENCE_MS);
    signal.addEventListener("abort", () => clearTimeout(slow));
    const view = await chosen.view(signal);
    clearTimeout(slow);
    if (signal.aborted) return;
    main.replaceChildren(view.element);
    nameThePage(view.title);
    if (moveFocus) {
      window.scrollTo(0, 0);
      main.querySelector("h1")?.focus({ preventScroll: true });
    }
    view.ready?.();
  }

  /** Goes to a path of this site; `state` travels with the entry of the history. */
  function navigate(path, { replace = false, state = null } = {}) {
    history[replace ? "replaceState" : "pushState"](state, "", path);
    void show({ moveFocus: true });
  }

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (link === null || !plain || event.defaultPrevented || link.origin !== location.origin) return;
    if (link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    navigate(link.pathname, { state: link.dataset.ask === undefined ? null : { ask: link.dataset.ask } });
  });
  window.addEventListener("popstate", () => void show({ moveFocus: true }));

  return { navigate, start: () => void show({ moveFocus: false }) };
}
