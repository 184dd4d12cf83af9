// Builds the site and serves it on loopback as its host does: files, and the page for every other address.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");
export const built = (name) => readFile(join(ROOT, "dist", name));
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** Gives its address; it ends with the process. */
export async function serveBuild() {
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  const server = createServer(async ({ url }, response) => {
    const found = await built(url).catch(() => null);
    response.setHeader("Content-Type", found === null ? KINDS[".html"] : (KINDS[extname(url)] ?? "application/json"));
    response.end(found ?? (await built("index.html")));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}
