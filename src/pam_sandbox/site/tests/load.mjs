// A small load test of the served build: eight visitors, each asking for the next file as soon as it has the one before.

import { mkdirSync, writeFileSync } from "node:fs";

import { built, serveBuild } from "./served.mjs";

const origin = await serveBuild();
const paths = ["/", ...Object.keys(JSON.parse(await built("asset-manifest.json")).files)];
const took = [];
const end = performance.now() + 2000;
async function visit(place) {
  for (; performance.now() < end; place += 1) {
    const began = performance.now();
    const answer = await fetch(origin + paths[place % paths.length]);
    const bytes = (await answer.arrayBuffer()).byteLength;
    if (bytes === 0) throw new Error(`${paths[place % paths.length]}: HTTP ${answer.status}, ${bytes} bytes`);
    took.push(performance.now() - began);
  }
}
await Promise.all(paths.slice(0, 8).map((_, place) => visit(place)));
took.sort((a, b) => a - b);
mkdirSync("reports", { recursive: true });
writeFileSync("reports/load.json", JSON.stringify({ answers: took.length, p95_ms: took[Math.floor(took.length * 0.95)] }));
