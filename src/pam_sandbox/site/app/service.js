// The PAM API: who is signed in, what it answers, and which features this person has.

export const ENHANCED_UI = "PAM_ENHANCED_UI";
export const VOICE = "PAM_VOICE_FEATURES";
const KEY = "wheels-and-wins.session";
const LOGIN = "/api/v1/auth/login";
const DEADLINE_MS = 8000;
const NEW_FEATURES_SINCE = [1, 42];
const UNREADABLE = "The service sent an answer that this page cannot read.";

let service = { apiUrl: "", release: "", ended: () => {} };
let flags = {};
let newest = 0;
const listeners = new Set();

/** Says where the API is, which release this page is, and what to do when the session is not known any more. */
export function connect(found) {
  service = found;
}

/** What was not answered as it should be; the message is for the person. */
export class Problem extends Error {
  constructor(words, { status = null, isCancelled = false } = {}) {
    super(words);
    this.status = status;
    this.isCancelled = isCancelled;
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** The bearer token, or null when nobody is signed in or the session has run out. */
export function token() {
  const session = kept();
  return session?.expiresAt > Date.now() ? session.token : null;
}

export const signOut = () => sessionStorage.removeItem(KEY);

export async function signIn(email, password) {
  const answer = await post(LOGIN, { email, password });
  expectShape(typeof answer?.access_token === "string" && typeof answer.expires_in === "number");
  const expiresAt = Date.now() + answer.expires_in * 1000;
  sessionStorage.setItem(KEY, JSON.stringify({ token: answer.access_token, expiresAt }));
}

/** Fails unless the answer has what the page is about to show. */
export function expectShape(ok) {
  if (!ok) throw new Problem(UNREADABLE);
}

/** The JSON of any address. Raises Problem. */
export async function fetchJson(url, options = {}) {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  let response;
  let text;
  try {
    response = await fetch(url, { ...options, cache: "no-store", signal: deadline });
    text = await response.text();
  } catch {
    throw new Problem(deadline.aborted ? "The service did not answer in time." : "The service cannot be reached right now.");
  }
  const { status } = response;
  if (status >= 500) throw new Problem(`Something went wrong on our side (error ${status}).`, { status });
  if (status >= 400) throw new Problem(`The service did not accept this (error ${status}).`, { status });
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    throw new Problem(UNREADABLE, { status });
  }
}

async function call(method, path, body, kind = "application/json") {
  const sent = token();
  const headers = { Accept: "application/json" };
  if (sent !== null) headers.Authorization = `Bearer ${sent}`;
  if (body !== undefined) headers["Content-Type"] = kind;
  try {
    return await fetchJson(service.apiUrl + path, { method, headers, body });
  } catch (problem) {
    if (problem.status !== 401 || path === LOGIN || kept() === null) throw problem;
    // Several requests are refused at once: the first ends the session, and none may end a newer one.
    if (token() === sent) service.ended();
    throw new Problem("The session has ended.", { status: 401, isCancelled: true });
  }
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, JSON.stringify(body));
export const put = (path, body) => call("PUT", path, JSON.stringify(body));
export const remove = (path) => call("DELETE", path);
export const sendAudio = (path, audio) => call("POST", path, audio, audio.type.split(";")[0]);

/** Whether the page of this release has the features that flags switch: an older one has nothing to switch. */
export function hasNewFeatures(release) {
  const [major, minor] = release.split(".").map(Number);
  return major > NEW_FEATURES_SINCE[0] || (major === NEW_FEATURES_SINCE[0] && minor >= NEW_FEATURES_SINCE[1]);
}

/** A flag that was never read is off: the plain page is the safe one. */
export const isOn = (name) => hasNewFeatures(service.release) && flags[name] === true;

/** Reads the flags of whoever is signed in; when that fails the last ones stay. */
export async function readFlags() {
  if (token() === null) return;
  newest += 1;
  const turn = newest;
  try {
    const answer = await get("/api/v1/flags");
    if (turn < newest) return;
    flags = answer?.flags ?? flags;
  } catch {
    return;
  }
  for (const listener of listeners) listener();
}

/** Calls `listener` after each reading; gives what ends that. */
export function onFlags(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
