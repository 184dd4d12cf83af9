// Who is signed in, for as long as this browser tab lives.

const KEY = "wheels-and-wins.session";
const VISITOR_KEY = "wheels-and-wins.visitor";

function read() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY));
    return typeof stored?.token === "string" && typeof stored?.expiresAt === "number" ? stored : null;
  } catch {
    return null;
  }
}

/** The bearer token, or null when nobody is signed in or the session has run out. */
export function token() {
  const stored = read();
  return stored !== null && stored.expiresAt > Date.now() ? stored.token : null;
}

/** True when there was a session and its time is over: worth another message than "please log in". */
export function hasExpired() {
  const stored = read();
  return stored !== null && stored.expiresAt <= Date.now();
}

/** Keeps what the login endpoint answered; `expires_in` is in seconds. */
export function begin(answer) {
  sessionStorage.setItem(
    KEY,
    JSON.stringify({ token: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 }),
  );
}

/** Forgets the session. */
export function end() {
  sessionStorage.removeItem(KEY);
}

/** A random id for somebody who is not signed in: flags are evaluated for a person, so a visitor needs to be one. */
export function visitorId() {
  let id = sessionStorage.getItem(VISITOR_KEY);
  if (id === null) {
    id = crypto.randomUUID();
    sessionStorage.setItem(VISITOR_KEY, id);
  }
  return id;
}
