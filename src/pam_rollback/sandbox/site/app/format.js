// Numbers and dates as a person reads them.

/** The currencies that an account can be kept in. */
export const CURRENCIES = ["USD", "EUR", "GBP"];

const DAY = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric" });
const DAY_AND_YEAR = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const MONTH = new Intl.DateTimeFormat("en-US", { month: "long" });

/** How amounts are written in `currency`; one that this site does not know counts as dollars. */
export function moneyIn(currency) {
  const known = CURRENCIES.includes(currency) ? currency : CURRENCIES[0];
  const written = new Intl.NumberFormat("en-US", { style: "currency", currency: known });
  return (amount) => written.format(Number(amount));
}

/** The name of this month. */
export const monthName = () => MONTH.format(new Date());

/** Date and time of an ISO timestamp; empty when it is none. */
export function moment(timestamp) {
  const when = new Date(timestamp);
  return Number.isNaN(when.getTime()) ? "" : MOMENT.format(when);
}

/** Today as YYYY-MM-DD in the person's own time zone (toISOString would give yesterday's date in the evening). */
export function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** A YYYY-MM-DD date without the year when it is this year's; never shifted by the time zone. */
export function day(date) {
  const [year, month, dayOfMonth] = String(date).slice(0, 10).split("-").map(Number);
  const when = new Date(year, month - 1, dayOfMonth);
  if (Number.isNaN(when.getTime())) return "no date";
  return (year === new Date().getFullYear() ? DAY : DAY_AND_YEAR).format(when);
}
