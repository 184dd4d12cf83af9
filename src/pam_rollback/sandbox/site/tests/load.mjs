// A small load test of the served build: some visitors at once, each asking for the next file as soon as it has the one before.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { serveBuild } from "./served.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const VISITORS = 8;
const DURATION_MS = 3000;
const P95_MS_MAX = 1000;
const ANSWERS_MIN = 100;

const site = await serveBuild();
const { files } = await (await fetch(`${site.origin}/asset-manifest.json`)).json();
const paths = ["/", "/version.json", ...Object.keys(files)];
const took = [];
const failed = [];
const end = performance.now() + DURATION_MS;

async function visit(first) {
  for (let place = first; performance.now() < end; place += 1) {
    const path = paths[place % paths.length];
    const began = performance.now();
    try {
      const answer = await fetch(site.origin + path);
      const bytes = (await answer.arrayBuffer()).byteLength;
      if (answer.status !== 200 || bytes === 0) failed.push(`${path}: HTTP ${answer.status}, ${bytes} bytes`);
    } catch (error) {
      failed.push(`${path}: ${error.message}`);
    }
    took.push(performance.now() - began);
  }
}

await Promise.all(Array.from({ length: VISITORS }, (_, place) => visit(place)));
await site.close();
took.sort((a, b) => a - b);
const p95Ms = took[Math.ceil(took.length * 0.95) - 1] ?? Number.NaN;
const summary = { visitors: VISITORS, answers: took.length, failed: failed.length, p95_ms: Math.round(p95Ms * 10) / 10 };
await mkdir(join(ROOT, "reports"), { recursive: true });
await writeFile(join(ROOT, "reports", "load.json"), `${JSON.stringify(summary)}\n`);
console.log(JSON.stringify(summary));
for (const problem of failed.slice(0, 5)) console.error(problem);
process.exit(failed.length === 0 && took.length >= ANSWERS_MIN && p95Ms < P95_MS_MAX ? 0 : 1);
