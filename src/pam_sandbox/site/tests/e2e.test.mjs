import assert from "node:assert/strict";
import test from "node:test";

import { serveBuild } from "./served.mjs";

test("a visitor gets the page with every script that it loads", async () => {
  const origin = await serveBuild();
  const page = await (await fetch(origin)).text();
  const addresses = new Set([new URL(page.match(/<script [^>]*src="([^"]+)"/)[1], origin).href]);
  for (const address of addresses) {
    const answer = await fetch(address);
    assert.match(answer.headers.get("Content-Type"), /javascript/, `${address} is no script`);
    for (const [, name] of (await answer.text()).matchAll(/^import [^"]*"(\.[^"]+)";/gm)) addresses.add(new URL(name, address).href);
  }
  assert.ok(addresses.size > 1);
});
