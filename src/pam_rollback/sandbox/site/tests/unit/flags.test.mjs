import assert from "node:assert/strict";
import test from "node:test";

const stored = new Map();
globalThis.sessionStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
const { createFlags, VOICE } = await import("../../app/flags.js");

const answering = (flags) => ({ get: async () => ({ flags }) });

test("a flag that was never read is off", () => {
  assert.equal(createFlags(answering({ [VOICE]: true }), "1.42.0").isOn(VOICE), false);
});

test("the server decides", async () => {
  const flags = createFlags(answering({ [VOICE]: true }), "1.42.0");
  await flags.refresh();
  assert.equal(flags.isOn(VOICE), true);
});

test("an older release has nothing to switch", async () => {
  const flags = createFlags(answering({ [VOICE]: true }), "1.41.3");
  await flags.refresh();
  assert.equal(flags.isOn(VOICE), false);
});

test("when the flags cannot be read the last known ones stay", async () => {
  const answers = [{ flags: { [VOICE]: true } }];
  const flags = createFlags(
    {
      get: async () => {
        if (answers.length === 0) throw new Error("gone");
        return answers.pop();
      },
    },
    "1.42.0",
  );
  await flags.refresh();
  await flags.refresh();
  assert.equal(flags.isOn(VOICE), true);
});
