import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { openBrowser } from "../browser.mjs";
import { serveBuild } from "../served.mjs";

let site;
let browser;
before(async () => {
  site = await serveBuild();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await site.close();
});

test("the front page says what the site does", async () => {
  await browser.open(`${site.origin}/`);
  assert.equal(await browser.see("document.querySelector('h1').textContent"), "Plan the road. Keep the budget.");
  assert.equal(await browser.see("document.querySelectorAll('.cards a').length"), 3);
});

test("a visitor gets from the front page to the login and is told what is missing", async () => {
  await browser.open(`${site.origin}/`);
  await browser.see("document.querySelector('a.button[href=\"/login\"]').click()");
  await browser.wait("document.querySelector('h1').textContent === 'Log in'");
  await browser.see("document.querySelector('button[type=submit]').click()");
  await browser.wait("document.body.innerText.includes('Enter your e-mail address.')");
});

test("a page for travellers asks a visitor to log in", async () => {
  await browser.open(`${site.origin}/wins`);
  await browser.wait("location.pathname === '/login'");
  assert.match(await browser.see("document.body.innerText"), /Please log in to see this page/);
});

test("an address that the site does not have leads back to the start", async () => {
  await browser.open(`${site.origin}/nowhere`);
  assert.equal(await browser.see("document.querySelector('main a.button').getAttribute('href')"), "/");
});
