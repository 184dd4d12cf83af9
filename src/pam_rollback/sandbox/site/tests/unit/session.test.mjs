import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";

const stored = new Map();
globalThis.sessionStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
const session = await import("../../app/session.js");

beforeEach(() => stored.clear());

test("nobody is signed in at first", () => {
  assert.equal(session.token(), null);
  assert.equal(session.hasExpired(), false);
});

test("a session ends when its time is over", () => {
  session.begin({ access_token: "t", expires_in: 60 });
  assert.equal(session.token(), "t");
  session.begin({ access_token: "t", expires_in: -1 });
  assert.equal(session.token(), null);
  assert.equal(session.hasExpired(), true);
});

test("a visitor stays the same person", () => {
  assert.equal(session.visitorId(), session.visitorId());
});
