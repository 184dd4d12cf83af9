// Builds the site and serves it on loopback as its host does: files, the page for every other address, and an API that answers.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const DIST = join(ROOT, "dist");
const KINDS = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** What package.json calls this release. */
export const release = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")).version;

const API = {
  "/config.json": (origin) => ({ apiUrl: origin, release }),
  "/version": () => ({ release }),
  "/api/v1/flags": () => ({ flags: {} }),
  "/api/v1/notice": () => ({ active: false, text: "" }),
};

/** Builds with the script that deploys use, then serves. Gives `{origin, close}`. */
export async function serveBuild() {
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  const server = createServer((request, response) => void answer(request, response));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${server.address().port}`;

  async function answer(request, response) {
    const { pathname } = new URL(request.url, origin);
    const api = API[pathname];
    if (api !== undefined) return send(response, 200, "application/json", JSON.stringify(api(origin)));
    const path = normalize(join(DIST, pathname));
    const inside = path.startsWith(DIST + sep);
    const file = inside ? await readFile(path).catch(() => null) : null;
    if (file !== null) return send(response, 200, KINDS[extname(path)] ?? "application/octet-stream", file);
    return send(response, 200, KINDS[".html"], await readFile(join(DIST, "index.html")));
  }

  function close() {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  }

  return { origin, close };
}

function send(response, status, kind, body) {
  response.writeHead(status, { "content-type": kind });
  response.end(body);
}
