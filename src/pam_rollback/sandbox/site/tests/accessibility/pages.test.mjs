import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { openBrowser } from "../browser.mjs";
import { serveBuild } from "../served.mjs";
import { violations } from "./rules.mjs";

let site;
let browser;
before(async () => {
  site = await serveBuild();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await site.close();
});

for (const path of ["/", "/login", "/nowhere"]) {
  test(`${path} can be used without seeing it`, async () => {
    await browser.open(site.origin + path);
    const found = await browser.see(`(${violations})()`);
    assert.deepEqual(found, [], found.join("; "));
  });
}

test("a picture without a text and a button without a name are seen", async () => {
  await browser.open(`${site.origin}/`);
  await browser.see("document.querySelector('main').append(document.createElement('img'), document.createElement('button'))");
  const rules = (await browser.see(`(${violations})()`)).map((line) => line.split(":")[0]);
  assert.deepEqual(rules.sort(), ["image-alt", "name"]);
});
