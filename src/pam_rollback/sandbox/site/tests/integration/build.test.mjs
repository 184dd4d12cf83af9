import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test, { after, before } from "node:test";

import { release, serveBuild } from "../served.mjs";

let site;
before(async () => {
  site = await serveBuild();
});
after(() => site.close());

const get = async (path) => {
  const answer = await fetch(site.origin + path);
  return { status: answer.status, kind: answer.headers.get("content-type"), body: Buffer.from(await answer.arrayBuffer()) };
};
const json = async (path) => JSON.parse((await get(path)).body.toString());

test("the build says which release it is", async () => {
  assert.equal((await json("/version.json")).release, release);
  assert.equal((await json("/asset-manifest.json")).release, release);
});

test("every file of the manifest is served as it was built", async () => {
  const { files } = await json("/asset-manifest.json");
  assert.ok(Object.keys(files).length > 10);
  for (const [address, sha256] of Object.entries(files)) {
    const { body } = await get(address);
    assert.equal(createHash("sha256").update(body).digest("hex"), sha256, address);
  }
});

test("the page and every module load what is there", async () => {
  const { files } = await json("/asset-manifest.json");
  const page = (await get("/")).body.toString();
  const named = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((found) => found[1]);
  assert.ok(named.length >= 2);
  for (const address of named) assert.ok(address in files, `${address} is not in the build`);
  for (const address of Object.keys(files).filter((name) => name.endsWith(".js"))) {
    const text = (await get(address)).body.toString();
    for (const [, specifier] of text.matchAll(/^import [^"]*"(\.[^"]+)";/gm)) {
      const wanted = new URL(specifier, site.origin + address).pathname;
      assert.ok(wanted in files, `${address} imports ${specifier}, which is not in the build`);
    }
  }
});

test("an address of a view answers with the page", async () => {
  const { status, kind, body } = await get("/wheels");
  assert.deepEqual([status, kind.split(";")[0]], [200, "text/html"]);
  assert.match(body.toString(), new RegExp(`name="pam-release" content="${release}"`));
});
