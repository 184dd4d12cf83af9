// Drives the Chromium that is on this machine over a pipe, with nothing but Node.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome", "headless_shell"];
const WITHIN_MS = 15_000;

/** The browser of this machine. Fails with what to do when there is none. */
function find() {
  const places = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const downloads = join(homedir(), ".cache", "ms-playwright");
  for (const name of existsSync(downloads) ? readdirSync(downloads) : []) {
    for (const part of ["chrome-linux", "chrome-linux64", "chrome-headless-shell-linux64"]) {
      places.push(...["chrome", "headless_shell", "chrome-headless-shell"].map((file) => join(downloads, name, part, file)));
    }
  }
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error("expected a Chromium on the PATH, found none; install chromium");
  return found;
}

/** Opens a browser with one page: `{open(url), see(expression), close()}`. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "wheels-browser-"));
  const options = ["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run"];
  options.push("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server");
  if (process.getuid?.() === 0) options.push("--no-sandbox");
  const child = spawn(find(), [...options, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const waiting = new Map();
  let rest = "";
  let number = 0;
  child.stdio[4].setEncoding("utf8").on("data", (piece) => {
    const messages = (rest + piece).split("\0");
    rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) waiting.get(message.id)?.(message);
  });
  child.stdio[3].on("error", () => {});

  function call(method, params = {}, sessionId = undefined) {
    number += 1;
    const id = number;
    return new Promise((give, fail) => {
      const late = setTimeout(() => fail(new Error(`${method}: no answer of the browser`)), WITHIN_MS);
      waiting.set(id, (message) => {
        clearTimeout(late);
        waiting.delete(id);
        if (message.error) fail(new Error(`${method}: ${message.error.message}`));
        else give(message.result);
      });
      child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  const page = (method, params) => call(method, params, sessionId);

  /** The value of an expression in the page, which may be a promise. */
  async function see(expression) {
    const { result, exceptionDetails } = await page("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression in the page is true; fails with the page's text. */
  async function wait(expression) {
    const end = Date.now() + WITHIN_MS;
    while (Date.now() < end) {
      if (await see(expression).catch(() => false)) return;
      await new Promise((later) => setTimeout(later, 50));
    }
    throw new Error(`not true within ${WITHIN_MS} ms: ${expression}; the page says: ${await see("document.body.innerText")}`);
  }

  async function open(url) {
    await page("Page.navigate", { url });
    await wait("document.readyState === 'complete' && document.querySelector('h1') !== null");
  }

  async function close() {
    const ended = new Promise((gone) => child.on("exit", gone));
    await call("Browser.close").catch(() => child.kill("SIGKILL"));
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }

  return { open, see, wait, close };
}
