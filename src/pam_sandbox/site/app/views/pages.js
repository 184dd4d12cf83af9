// Every page but the chat.

import { field, form, h, heading, problemBox } from "../dom.js";
import * as service from "../service.js";

const PICTURE = new URL("../../hero.svg", import.meta.url).pathname;
const PLACES = [
  ["/pam", "Ask PAM", "Routes, campgrounds, costs: ask in your own words."],
  ["/wins", "Count your wins", "Write down what you spend on the road."],
  ["/wheels", "Get rolling", "Pick an idea for the next trip, and let PAM fill in the rest."],
];
const TRIPS = [
  ["Coast road north", 3, "Cliffs, lighthouses and two quiet campgrounds by the water."],
  ["Lakes and pine woods", 5, "Short legs, long swims, and a market town on every second day."],
  ["High desert loop", 4, "Red rock, dark skies and hot springs."],
];
const CATEGORIES = ["fuel", "campground", "groceries", "dining", "maintenance", "tolls", "leisure"];

export const dollars = (amount) => `$${Number(amount).toFixed(2)}`;
const cards = (all) => h("ul", { class: "cards" }, ...all.map((parts) => h("li", { class: "card" }, ...parts)));

/** A view that shows what `load` gives, or says that it could not be loaded. */
function loaded(title, what, load, ...below) {
  const problem = problemBox();
  const content = h("div", { class: "stack" }, h("p", {}, `Loading your ${what}…`));
  async function ready() {
    try {
      content.replaceChildren(...(await load(problem)));
    } catch (error) {
      content.replaceChildren();
      problem.show(`Your ${what} could not be loaded.`, error);
    }
  }
  return { ready, element: h("div", { class: "stack" }, heading(title), problem.element, content, ...below) };
}

/** The person's newest expenses and this month's sum. */
async function spent(loadAccount) {
  const [, answer] = await Promise.all([loadAccount(), service.get("/api/v1/expenses?limit=25")]);
  service.expectShape(Array.isArray(answer?.expenses));
  const month = new Date().toISOString().slice(0, 7);
  const ofMonth = answer.expenses.filter((one) => String(one.date).startsWith(month));
  const cents = ofMonth.reduce((sum, one) => sum + Math.round(Number(one.amount) * 100), 0);
  return { expenses: answer.expenses, total: h("p", { class: "total" }, `Spent this month: ${dollars(cents / 100)}`) };
}

export function home({ loadAccount, signedIn }) {
  const load = async () => (signedIn ? [(await spent(loadAccount)).total] : []);
  const picture = h("img", { src: PICTURE, alt: "", width: "560", height: "200" });
  const places = PLACES.map(([href, name, words]) => [h("h2", {}, h("a", { href }, name)), h("p", {}, words)]);
  return loaded("Plan the road. Keep the budget.", "month", load, picture, cards(places));
}

export function trips({ loadAccount }) {
  const trip = ([name, days, words]) => {
    const ask = { class: "button", href: "/pam", "data-ask": `Plan “${name}” for me: ${days} days.` };
    return [h("h2", {}, name), h("p", {}, `${days} days. ${words}`), h("p", {}, h("a", ask, `Ask PAM about ${name}`))];
  };
  return loaded("Wheels: where to next?", "trips", async () => [(await spent(loadAccount)).total, cards(TRIPS.map(trip))]);
}

export function money({ loadAccount, announce }) {
  const problem = problemBox();
  const amount = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", required: "" });
  const category = h("select", {}, ...CATEGORIES.map((name) => h("option", {}, name)));
  const note = h("input", { type: "text", maxlength: "200", autocomplete: "off" });
  async function add() {
    problem.clear();
    const booked = { amount: Number(amount.value), category: category.value, description: note.value.trim() || null };
    try {
      await service.post("/api/v1/expenses", booked);
    } catch (error) {
      problem.show("The expense was not saved.", error);
      return;
    }
    announce(`Added: ${amount.value} for ${category.value}.`);
    amount.value = note.value = "";
    amount.focus();
    await view.ready();
  }
  const row = ({ date, category: what, description, amount: cost }) =>
    h("tr", {}, ...[date, what, description ?? "", dollars(cost)].map((cell) => h("td", {}, cell)));
  const head = h("tr", {}, ...["Date", "For", "Note", "Amount"].map((words) => h("th", { scope: "col" }, words)));
  async function load() {
    const { expenses, total } = await spent(loadAccount);
    return [total, h("table", {}, h("thead", {}, head), h("tbody", {}, ...expenses.map(row)))];
  }
  const entry = form(
    { "aria-label": "Add an expense" },
    add,
    problem.element,
    field("Amount", amount),
    field("Category", category),
    field("Note (optional)", note),
    h("button", { type: "submit", class: "primary" }, "Add expense"),
  );
  const view = loaded("Wins: your travel money", "expenses", load, entry);
  return view;
}

export function profile({ loadAccount }) {
  const load = async () => {
    const { full_name: name, email } = await loadAccount();
    return [h("p", {}, name ?? ""), h("p", {}, email)];
  };
  return loaded("Your profile", "profile", load);
}

export function settings({ loadAccount }) {
  async function load(problem) {
    const [, answer] = await Promise.all([loadAccount(), service.get("/api/v1/settings")]);
    service.expectShape(typeof answer?.settings === "object" && answer.settings !== null);
    const unit = h("select", {}, h("option", { value: "miles" }, "Miles"), h("option", { value: "km" }, "Kilometres"));
    unit.value = answer.settings.distance_unit === "km" ? "km" : "miles";
    const saved = h("p", { role: "status" });
    async function save() {
      problem.clear();
      saved.textContent = "";
      try {
        await service.put("/api/v1/settings", { settings: { distance_unit: unit.value } });
        saved.textContent = "Saved.";
      } catch (error) {
        problem.show("Your settings could not be saved.", error);
      }
    }
    const button = h("button", { type: "submit", class: "primary" }, "Save");
    return [form({ "aria-label": "Settings" }, save, field("Distances in", unit), button, saved)];
  }
  return loaded("Settings", "settings", load);
}

export function login({ navigate, announce }) {
  const { message = null, next = "/pam" } = history.state ?? {};
  const problem = problemBox();
  const email = h("input", { type: "email", autocomplete: "username", required: "" });
  const password = h("input", { type: "password", autocomplete: "current-password", required: "" });
  async function logIn() {
    problem.clear();
    try {
      await service.signIn(email.value, password.value);
    } catch (error) {
      if (error.status === 401 || error.status === 422) problem.show("That e-mail address and password do not fit together.");
      else problem.show("You could not be logged in.", error);
      return;
    }
    announce("You are logged in.");
    navigate(next, { replace: true });
  }
  if (message !== null) problem.show(message);
  const entry = form(
    {},
    logIn,
    field("E-mail address", email),
    field("Password", password),
    h("button", { type: "submit", class: "primary" }, "Log in"),
  );
  return { element: h("div", { class: "stack" }, heading("Log in"), problem.element, entry) };
}

export function notFound() {
  const back = h("p", {}, h("a", { class: "button", href: "/" }, "Back to the start"));
  const words = h("p", {}, "There is no page at this address.");
  return { element: h("div", { class: "stack" }, heading("This road leads nowhere"), words, back) };
}
