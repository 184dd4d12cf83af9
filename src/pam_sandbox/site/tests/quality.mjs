// Every module is understood by Node, and nothing that was there to find a mistake is left.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

for (const name of readdirSync("app", { recursive: true }).filter((file) => file.endsWith(".js"))) {
  execFileSync(process.execPath, ["--check", `app/${name}`], { stdio: "inherit" });
  const left = readFileSync(`app/${name}`, "utf8").match(/\bconsole\.(log|debug)\(|^\s*debugger;/m);
  if (left !== null) throw new Error(`app/${name}: ${left[0].trim()}`);
}
