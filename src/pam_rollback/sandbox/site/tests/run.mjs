// Runs the tests of one stage with Node's own runner. Leaves JUnit in reports/, beside the coverage of the unit tests.

import { spawn } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const stage = process.argv[2] ?? "";
const folder = join(ROOT, "tests", stage);
const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".test.mjs"));
if (stage === "" || files.length === 0) {
  console.error(`tests/${stage}: expected files that end with .test.mjs, found none`);
  process.exit(1);
}
await mkdir(join(ROOT, "reports"), { recursive: true });

const reporters = { spec: "stdout", junit: `reports/${stage}.xml` };
const options = ["--test", "--test-concurrency=1"];
if (stage === "unit") {
  reporters.lcov = "reports/coverage.lcov";
  options.push("--experimental-test-coverage");
}
for (const [name, place] of Object.entries(reporters)) {
  options.push(`--test-reporter=${name}`, `--test-reporter-destination=${place}`);
}
const runner = spawn(process.execPath, [...options, ...files.map((name) => join(folder, name))], {
  cwd: ROOT,
  stdio: "inherit",
});
runner.on("exit", (code) => process.exit(code ?? 1));
