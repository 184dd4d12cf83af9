import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { built, ROOT } from "./served.mjs";

test("the build has whatever its page refers to", async () => {
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT });
  const { files } = JSON.parse(await built("asset-manifest.json"));
  const named = [...String(await built("index.html")).matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)];
  for (const [, address] of named) assert.ok(address in files, `${address} is not in the build`);
});
