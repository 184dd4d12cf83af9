// The notice of the people who run the service: above the view on every page, for as long as the API gives one.

import { expectShape } from "./api.js";
import { h } from "./dom.js";

const AGAIN_AFTER_MS = 60_000;

/**
 * Shows the notice in `place`, which is there from the start with role=status, so that a change is also read aloud.
 *
 * When the API does not answer, what is shown stays: not to know is no reason to take a warning away.
 */
export function createNotice(api, place) {
  let shown = "";
  const text = h("p", { class: "notice-text" });

  async function refresh() {
    try {
      const notice = await api.get("/api/v1/notice");
      expectShape(typeof notice?.active === "boolean" && typeof notice.text === "string");
      show(notice.active ? notice.text : "");
    } catch {
      // Asked again soon; the views themselves say when the service does not answer.
    }
  }

  function show(words) {
    if (words === shown) return; // the same words again would be read aloud again
    shown = words;
    text.textContent = words;
    if (words === "") place.replaceChildren();
    else place.replaceChildren(text);
  }

  setInterval(() => {
    if (document.visibilityState === "visible") void refresh();
  }, AGAIN_AFTER_MS);

  return { refresh };
}
