import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import test from "node:test";

import { ROOT } from "./served.mjs";

test("the page has a language, and each picture a text", async () => {
  assert.match(await readFile(`${ROOT}/index.html`, "utf8"), /<html lang="en">/, "html-has-lang");
  for (const name of (await readdir(`${ROOT}/app`, { recursive: true })).filter((file) => file.endsWith(".js"))) {
    const pictures = (await readFile(`${ROOT}/app/${name}`, "utf8")).matchAll(/h\("img", \{[^}]*\}/g);
    for (const [picture] of pictures) assert.match(picture, /\balt:/, `image-alt: ${name}`);
  }
});
