// Which features this person has. The server decides; the page asks again and again, so that a rollback shows at once.

import { expectShape } from "./api.js";
import * as session from "./session.js";

export const ENHANCED_UI = "PAM_ENHANCED_UI";
export const VOICE = "PAM_VOICE_FEATURES";
export const PERFORMANCE = "PAM_PERFORMANCE_OPTIMIZATIONS";

const PAUSE_MS = 2000;

// The first release whose page has the features that the flags switch.
const NEW_FEATURES_SINCE = [1, 42];

function hasNewFeatures(release) {
  const [major, minor] = release.split(".").map(Number);
  return major > NEW_FEATURES_SINCE[0] || (major === NEW_FEATURES_SINCE[0] && minor >= NEW_FEATURES_SINCE[1]);
}

/**
 * The flags as last read, for the page of `release`.
 *
 * A flag that was never read is off, because the plain page is the safe one; an older release has nothing to switch.
 */
export function createFlags(api, release) {
  const switchable = hasNewFeatures(release);
  let current = {};
  let newestAsked = 0;
  let newestSeen = 0;
  const listeners = new Set();

  /** Reads the flags; when that fails the last known ones stay. */
  async function refresh() {
    newestAsked += 1;
    const turn = newestAsked;
    const query = session.token() === null ? `?user_id=${encodeURIComponent(session.visitorId())}` : "";
    try {
      const answer = await api.get(`/api/v1/flags${query}`);
      expectShape(typeof answer?.flags === "object" && answer.flags !== null);
      if (turn < newestSeen) return;
      newestSeen = turn;
      current = answer.flags;
    } catch {
      return;
    }
    for (const listener of listeners) listener();
  }

  /** Calls `listener` after each reading until `signal` is aborted. */
  function listen(listener, signal) {
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener));
  }

  /** Reads again every two seconds while the page can be seen, until `signal` is aborted. */
  function watch(signal) {
    let timer = null;
    const again = async () => {
      timer = null;
      if (document.visibilityState === "visible") await refresh();
      if (!signal.aborted && timer === null) timer = setTimeout(again, PAUSE_MS);
    };
    timer = setTimeout(again, PAUSE_MS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  return { isOn: (name) => switchable && current[name] === true, refresh, listen, watch };
}
