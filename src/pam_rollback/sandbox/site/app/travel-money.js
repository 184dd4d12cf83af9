// What the money pages share: the newest expenses with the settings that say how to show them.

import { expectShape } from "./api.js";
import { moneyIn, today } from "./format.js";

const NEWEST = 200;

/** The person's expenses, settings and month's total; also reads the account, so that the page says whose it is. */
export async function loadTravelMoney({ api, loadAccount, signal }) {
  const [, kept, answer] = await Promise.all([
    loadAccount(signal),
    api.get("/api/v1/settings", signal),
    api.get(`/api/v1/expenses?limit=${NEWEST}`, signal),
  ]);
  expectShape(typeof kept?.settings === "object" && kept.settings !== null && Array.isArray(answer?.expenses));
  return {
    expenses: answer.expenses,
    settings: kept.settings,
    money: moneyIn(kept.settings.currency),
    monthTotal: monthTotal(answer.expenses),
  };
}

/** This month's sum; added up in cents because binary fractions drift. */
function monthTotal(expenses) {
  const month = today().slice(0, 7);
  const cents = expenses
    .filter((expense) => String(expense.date).startsWith(month))
    .reduce((sum, expense) => sum + Math.round(Number(expense.amount) * 100), 0);
  expectShape(Number.isFinite(cents));
  return cents / 100;
}
