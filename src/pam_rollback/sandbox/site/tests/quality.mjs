// The full quality check: every module is understood by Node, imports what there is, and keeps the rules of the house.

import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NOT_READ = new Set(["dist", "node_modules", "reports"]);
const COLUMNS = 140;
const problems = [];

const files = await names(ROOT);
for (const name of files.filter((file) => [".js", ".mjs"].includes(extname(file)))) {
  const text = await readFile(join(ROOT, name), "utf8");
  understood(name);
  written(name, text);
  await imported(name, text);
}
for (const name of files.filter((file) => extname(file) === ".json")) {
  try {
    JSON.parse(await readFile(join(ROOT, name), "utf8"));
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

async function names(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !NOT_READ.has(entry.name)) found.push(...(await names(path)));
    if (entry.isFile()) found.push(relative(ROOT, path).split(sep).join("/"));
  }
  return found.sort();
}

function understood(name) {
  try {
    execFileSync(process.execPath, ["--check", join(ROOT, name)], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    problems.push(`${name}: ${String(error.stderr).trim().split("\n").slice(0, 5).join(" ")}`);
  }
}

function written(name, text) {
  const lines = text.split("\n");
  lines.forEach((line, place) => {
    const where = `${name}:${place + 1}`;
    if (/\s$/.test(line)) problems.push(`${where}: blanks at the end of the line`);
    if (line.includes("\t")) problems.push(`${where}: a tab`);
    if (line.length > COLUMNS) problems.push(`${where}: longer than ${COLUMNS} columns`);
    if (/^\s*debugger;/.test(line)) problems.push(`${where}: debugger`);
    if (name.startsWith("app/") && /\bconsole\.(log|debug)\(/.test(line)) problems.push(`${where}: console.log`);
  });
  if (lines.at(-1) !== "") problems.push(`${name}: no newline at the end`);
}

async function imported(name, text) {
  for (const [, list, specifier] of text.matchAll(/^import (?:\{([^}]*)\}|[^"{]*) from "(\.[^"]+)";/gm)) {
    const target = join(ROOT, dirname(name), specifier);
    const there = await readFile(target, "utf8").catch(() => null);
    if (there === null) {
      problems.push(`${name}: imports ${specifier}, which is not there`);
      continue;
    }
    for (const wanted of (list ?? "").split(",").map((part) => part.trim().split(" as ")[0])) {
      const given = new RegExp(`export (?:async )?(?:function|const|let|class) ${wanted}\\b`).test(there);
      if (wanted !== "" && !given) problems.push(`${name}: ${specifier} exports no ${wanted}`);
    }
  }
}
