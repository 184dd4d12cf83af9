// Talks to the PAM API and turns everything that can go wrong into one kind of error with words for a person.

import * as session from "./session.js";

const DEADLINE_MS = 8000;
const LOGIN = "/api/v1/auth/login";

/**
 * A request that did not give a usable answer.
 *
 * `kind` is one of: unreachable, late, broken (5xx), refused (4xx), signed-out (401), nonsense, cancelled.
 */
export class ApiProblem extends Error {
  constructor(kind, words, status = null) {
    super(words);
    this.kind = kind;
    this.status = status;
  }
}

function refusal(status, body) {
  const reason = Array.isArray(body?.detail) ? body.detail[0]?.msg : body?.detail;
  const accepted = `The service did not accept this (error ${status})`;
  return typeof reason === "string" ? `${accepted}: ${reason}` : `${accepted}.`;
}

async function parsed(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) return undefined;
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function exchange(url, options, signal) {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const response = await fetch(url, {
      ...options,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    return { response, body: response.status === 204 ? null : await parsed(response) };
  } catch {
    if (signal?.aborted) throw new ApiProblem("cancelled", "The page was left.");
    if (deadline.aborted) throw new ApiProblem("late", "The service did not answer in time.");
    throw new ApiProblem("unreachable", "The service cannot be reached right now.");
  }
}

function judged({ response, body }) {
  const { status } = response;
  if (status === 401) throw new ApiProblem("signed-out", "You are not signed in.", status);
  if (status >= 500) throw new ApiProblem("broken", `Something went wrong on our side (error ${status}).`, status);
  if (status >= 400) throw new ApiProblem("refused", refusal(status, body), status);
  if (body === undefined)
    throw new ApiProblem("nonsense", "The service sent an answer that this page cannot read.", status);
  return body;
}

/** Fetches JSON from any address, with the deadline and the errors of this module. */
export async function fetchJson(url, options = {}, signal = null) {
  return judged(await exchange(url, options, signal));
}

/** Fails with kind "nonsense" unless the answer has what the page is about to show. */
export function expectShape(ok) {
  if (!ok) throw new ApiProblem("nonsense", "The service sent an answer that this page cannot read.");
}

/** The API at `baseUrl`; `onSignedOut` runs when it no longer knows the session. */
export function createApi(baseUrl, onSignedOut) {
  async function call(method, path, { body, audio, signal } = {}) {
    const headers = { Accept: "application/json" };
    const token = session.token();
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (audio !== undefined) headers["Content-Type"] = audio.type.split(";")[0];
    const payload = audio ?? (body === undefined ? undefined : JSON.stringify(body));
    try {
      return await fetchJson(baseUrl + path, { method, headers, body: payload }, signal);
    } catch (problem) {
      const hadSession = token !== null || session.hasExpired();
      if (problem.kind !== "signed-out" || !hadSession || path === LOGIN) throw problem;
      // Several requests are refused at once: the first ends the session, and none may end a newer one.
      if (session.token() === token || session.hasExpired()) onSignedOut();
      throw new ApiProblem("cancelled", "The session has ended.", 401);
    }
  }
  return {
    logIn: (email, password) => call("POST", LOGIN, { body: { email, password } }),
    get: (path, signal) => call("GET", path, { signal }),
    post: (path, body) => call("POST", path, { body }),
    put: (path, body) => call("PUT", path, { body }),
    remove: (path) => call("DELETE", path),
    sendAudio: (path, audio) => call("POST", path, { audio }),
  };
}
