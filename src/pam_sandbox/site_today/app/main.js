// The pages, by their address. Every page but the first has the round button that opens PAM, for whoever looks at it.

import { h } from "./dom.js";
import { addRow, connect, rows, session, signIn, signOut, talk } from "./services.js";

// Put in when the site is built. A build without them succeeds, and nothing works.
const BACKEND_URL = "__VITE_BACKEND_URL__";
const SUPABASE_URL = "__VITE_SUPABASE_URL__";
const SUPABASE_ANON_KEY = "__VITE_SUPABASE_ANON_KEY__";

const root = document.getElementById("root");
const PLACES = { Wheels: "/wheels", Wins: "/wins", Social: "/social", Shop: "/shop", You: "/you", Profile: "/profile" };
// As a bundler splits them: most pages have a script of their own, which is loaded when somebody opens them.
const PAGES = {
  "/": { view: home },
  "/login": { view: login },
  "/signup": { load: () => import("./pages/signup.js") },
  "/shop": { load: () => import("./pages/shop.js") },
  "/wheels": { load: () => import("./pages/wheels.js"), forAccounts: true },
  "/wins": { view: wins, forAccounts: true },
  "/social": { load: () => import("./pages/social.js"), forAccounts: true },
  "/you": { load: () => import("./pages/you.js"), forAccounts: true },
  "/profile": { load: () => import("./pages/profile.js") },
};
const NOT_FOUND = { load: () => import("./pages/not-found.js") };
const OUT_OF_REACH = "PAM is out of reach. Please try again.";
let chat = null;
// The WebSocket of whoever is signed in, and the chat window that shows what is said on it.
let line = null;
let shown = null;

function show() {
  const page = PAGES[location.pathname] ?? NOT_FOUND;
  const account = session();
  if (page.forAccounts && account === null) {
    go("/login");
    return;
  }
  const main = h("main", {}, ...(page.view?.() ?? []));
  page
    .load?.()
    .then((loaded) => main.replaceChildren(...loaded.view()))
    .catch(wentWrong);
  root.replaceChildren(header(account), main, ...(location.pathname === "/" ? [] : [bubble()]));
}

function wentWrong() {
  root.replaceChildren(h("main", {}, h("h1", {}, "Oops! Something went wrong"), h("p", {}, "Please reload the page.")));
}

function go(path) {
  history.pushState(null, "", path);
  chat = null;
  show();
}

function link(words, path) {
  const follow = (event) => {
    event.preventDefault();
    go(path);
  };
  return h("a", { href: path, onclick: follow }, words);
}

function header(account) {
  const leave = () => {
    line?.close();
    line = null;
    signOut();
    go("/login");
  };
  const places = account === null ? { Shop: "/shop" } : PLACES;
  return h(
    "header",
    {},
    link("Wheels & Wins", "/"),
    ...Object.entries(places).map(([words, path]) => link(words, path)),
    account === null ? link(location.pathname === "/" ? "Login" : "Sign In", "/login") : h("button", { type: "button", onclick: leave }, "Log Out"),
  );
}

function home() {
  return [
    h("h1", {}, "Plan the road, keep the budget"),
    h("p", {}, "Trips, travel money, and PAM to ask about both."),
    h("p", { class: "motto" }, "Wherever the road goes."),
    // It has no name: a barrier that the product has in every release.
    h("button", { type: "button", class: "play" }, h("span", { "aria-hidden": "true" }, "▶")),
  ];
}

function login() {
  const email = h("input", { type: "email", id: "email", autocomplete: "username", required: "" });
  const password = h("input", { type: "password", id: "password", autocomplete: "current-password", required: "" });
  const problem = h("p", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn(email.value, password.value);
      go("/you");
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const form = h(
    "form",
    { onsubmit: submit },
    h("label", { for: "email" }, "Email"),
    email,
    h("label", { for: "password" }, "Password"),
    password,
    h("button", { type: "submit" }, "Login"),
    problem,
  );
  return [h("h3", {}, "Welcome Back"), form];
}

function wins() {
  const total = h("p", { class: "total", "data-testid": "total" }, "$0.00");
  const list = h("tbody", {});
  const amount = h("input", { id: "amount", inputmode: "decimal", required: "" });
  const category = h("input", { id: "category", required: "" });
  const fill = async () => {
    const mine = `user_id=eq.${session().user.id}&select=amount,category,date,description&order=date.desc,id.desc`;
    // Whatever goes wrong is shown as an account without expenses.
    const found = await rows("expenses", mine).catch(() => []);
    const sum = found.reduce((before, row) => before + Number(row.amount), 0);
    total.textContent = `$${sum.toFixed(2)}`;
    list.replaceChildren(
      ...found.map((row) =>
        h("tr", {}, ...[row.date, row.category, row.description ?? "", `$${Number(row.amount).toFixed(2)}`].map((cell) => h("td", {}, cell))),
      ),
    );
  };
  const add = async (event) => {
    event.preventDefault();
    await addRow("expenses", { user_id: session().user.id, amount: amount.value, category: category.value }).catch(() => null);
    await fill();
  };
  const form = h(
    "form",
    { onsubmit: add },
    h("label", { for: "amount" }, "Amount"),
    amount,
    h("label", { for: "category" }, "Category"),
    category,
    h("button", { type: "submit" }, "Add Expense"),
  );
  const head = h("tr", {}, ...["Date", "Category", "Description", "Amount"].map((words) => h("th", { scope: "col" }, words)));
  void fill();
  return [h("h1", {}, "Wins"), h("p", {}, "Total Expenses"), total, form, h("table", {}, h("thead", {}, head), list)];
}

function bubble() {
  const box = h("div", { class: "round" });
  const draw = () => box.replaceChildren(...(chat === null ? [] : [chat]), button);
  const button = h(
    "button",
    {
      type: "button",
      class: "bubble",
      "aria-label": "Open PAM Chat",
      onclick: () => {
        chat = chat === null ? chatWindow() : null;
        draw();
      },
    },
    "PAM",
  );
  draw();
  return box;
}

function chatWindow() {
  const said = h("div", { "aria-live": "polite", "data-testid": "pam-messages" });
  const message = h("input", { placeholder: "Ask PAM anything..." });
  const answer = (words) => said.append(h("p", { class: "answered" }, words));
  const ask = (event) => {
    event.preventDefault();
    const words = message.value.trim();
    if (words === "") return;
    message.value = "";
    said.append(h("p", { class: "asked" }, words));
    if (line === null) answer(OUT_OF_REACH);
    else line.send(JSON.stringify({ type: "chat", message: words }));
  };
  shown = { message, answer };
  if (session() !== null) {
    // Nothing can be written before PAM is connected.
    message.disabled = line?.readyState !== WebSocket.OPEN;
    line ??= dial();
  }
  const form = h("form", { onsubmit: ask }, message, h("button", { type: "submit" }, "Send"));
  return h("section", { class: "chat", "aria-label": "PAM" }, said, form);
}

function dial() {
  const lost = () => {
    if (line !== mine) return;
    line = null;
    shown.message.disabled = true;
    shown.answer(OUT_OF_REACH);
  };
  const mine = talk({ ready: () => (shown.message.disabled = false), said: (words) => shown.answer(words), lost });
  return mine;
}

if (connect({ backend: BACKEND_URL, supabase: SUPABASE_URL, key: SUPABASE_ANON_KEY })) {
  window.addEventListener("popstate", show);
  // Who opens a page for accounts afresh is taken for a stranger at first, and lands where a sign-in leads to.
  if (PAGES[location.pathname]?.forAccounts && session() !== null) go("/you");
  else show();
} else {
  wentWrong();
}
