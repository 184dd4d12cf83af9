import assert from "node:assert/strict";
import test from "node:test";

import { day, moment, moneyIn, today } from "../../app/format.js";

test("an amount is written in the account's currency", () => {
  assert.equal(moneyIn("USD")(1234.5), "$1,234.50");
  assert.equal(moneyIn("EUR")("7"), "€7.00");
});

test("a currency that the site does not know counts as dollars", () => {
  assert.equal(moneyIn("XYZ")(1), "$1.00");
});

test("a date is never shifted by the time zone", () => {
  const thisYear = new Date().getFullYear();
  assert.equal(day(`${thisYear}-03-01`), "Mar 1");
  assert.equal(day("1999-12-31"), "Dec 31, 1999");
});

test("what is no date says so", () => {
  assert.equal(day("soon"), "no date");
  assert.equal(moment("soon"), "");
});

test("today is this person's day", () => {
  const now = new Date();
  assert.equal(today(), [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-"));
});
