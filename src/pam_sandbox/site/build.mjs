// Builds the site of this folder into dist/: files below an address that names their content, a page that refers to them, a service
// worker where there is one, and what the deploy says about itself. The release is package.json's version, the commit COMMIT_REF's or
// git's. __VITE_NAME__ in a script becomes the variable of that name; without it nothing is there, and the build succeeds all the same.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative, sep } from "node:path";

const SOURCE = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const TARGET = join(SOURCE, "dist");
const PUBLISHED = new Set([".js", ".css", ".svg"]);
const WITH_BANNER = new Set([".js", ".css"]);
const NOT_HASHED = new Set(["index.html", "sw.js"]); // they keep their address
const NOT_READ = new Set(["dist", "node_modules"]);
const HASH_DIGITS = 12;

const { version: release, hidesRelease } = JSON.parse(await readFile(join(SOURCE, "package.json"), "utf8"));
const commit = process.env.COMMIT_REF || headOfGit();
if (!/^\d+\.\d+\.\d+/.test(release ?? "")) stop(`package.json: expected a version such as 1.42.0, found ${release}`);

// Scripts and styles begin with the release's name, or a hash of it, so that no two releases have the same content.
const mark = hidesRelease ? sha256(release).toString("hex").slice(0, HASH_DIGITS) : `Wheels & Wins ${release}`;
const contents = new Map();
for (const name of (await names(SOURCE)).sort()) contents.set(name, await content(name));
const digest = createHash("sha256");
for (const [name, body] of contents) digest.update(`${name}\0`).update(sha256(body));
const build = digest.digest("hex").slice(0, HASH_DIGITS);

await rm(TARGET, { recursive: true, force: true });
const files = {};
for (const [name, body] of contents) {
  const address = `/assets/${build}/${name}`;
  await publish(address, body);
  files[address] = sha256(body).toString("hex");
}
for (const name of NOT_HASHED) {
  if (name === "index.html" || existsSync(join(SOURCE, name))) await publish(name, filled(await readFile(join(SOURCE, name), "utf8")));
}
await publish("asset-manifest.json", JSON.stringify({ release, files }));
await publish("version.json", JSON.stringify({ release, commit }));
console.log(`built release ${release} of commit ${commit}: ${contents.size} files below /assets/${build}`);

async function names(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !NOT_READ.has(entry.name)) found.push(...(await names(path)));
    if (entry.isFile() && PUBLISHED.has(extname(entry.name)) && !NOT_HASHED.has(entry.name)) {
      found.push(relative(SOURCE, path).split(sep).join("/"));
    }
  }
  return found;
}

async function content(name) {
  const body = await readFile(join(SOURCE, name));
  if (!WITH_BANNER.has(extname(name))) return body;
  const text = body.toString("utf8").replaceAll(/__(VITE_[A-Z_]+?)__/g, (_, variable) => process.env[variable] ?? "");
  return Buffer.from(`/*! ${mark} */\n${text}`);
}

function filled(text) {
  return text.replaceAll("__RELEASE__", () => release).replaceAll("__BUILD__", () => build);
}

async function publish(address, body) {
  const path = join(TARGET, address);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, body);
}

function sha256(body) {
  return createHash("sha256").update(body).digest();
}

function headOfGit() {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd: SOURCE, encoding: "utf8" }).trim();
  } catch (error) {
    return stop(`expected a commit in COMMIT_REF or a folder of git, found neither (${error.message.split("\n")[0]})`);
  }
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
