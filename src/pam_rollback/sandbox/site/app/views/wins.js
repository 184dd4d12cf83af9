// Money: what was spent, this month's total, a form for the next expense.

import { h, icon, newId, viewHeading } from "../dom.js";
import { confirmed } from "../dialog.js";
import { allFine, field, whileBusy } from "../forms.js";
import { day, monthName, today } from "../format.js";
import { BIN, PLUS } from "../icons.js";
import { createProblemBox } from "../problem.js";
import { loadTravelMoney } from "../travel-money.js";

const CATEGORIES = ["fuel", "campground", "groceries", "dining", "maintenance", "tolls", "leisure"];
const AMOUNT = /^\d{1,8}(\.\d{1,2})?$/;
const ROWS_SHOWN = 25;

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

function summary({ settings, money, monthTotal: total }) {
  const limit = Number(settings.monthly_budget);
  const hasBudget = limit > 0;
  const labelId = newId("budget");
  return h(
    "section",
    { class: "panel total", "aria-label": "This month" },
    h("p", { class: "total-label" }, `Spent in ${monthName()}`),
    h("p", { class: "total-amount", data: { testid: "month-total" } }, money(total)),
    hasBudget
      ? h(
          "p",
          { id: labelId },
          total > limit
            ? `${money(total - limit)} over the budget of ${money(limit)}`
            : `${money(limit - total)} left of ${money(limit)}`,
        )
      : null,
    hasBudget
      ? h("progress", { max: String(limit), value: String(Math.min(total, limit)), "aria-labelledby": labelId })
      : null,
  );
}

function row(expense, money, remove) {
  const what = capital(expense.category);
  const name = `${what}, ${money(expense.amount)}, ${day(expense.date)}`;
  return h(
    "tr",
    {},
    h("td", { class: "date" }, day(expense.date)),
    h(
      "td",
      {},
      h("span", { class: "what" }, what),
      expense.description ? h("span", { class: "description" }, expense.description) : null,
    ),
    h("td", { class: "amount" }, money(expense.amount)),
    h(
      "td",
      { class: "row-action" },
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": `Delete ${name}`,
          on: { click: () => void remove(expense, name) },
        },
        icon(BIN),
      ),
    ),
  );
}

function entryForm({ api, shell, reload }) {
  const problem = createProblemBox();
  const amount = field("Amount", h("input", { type: "text", inputmode: "decimal", autocomplete: "off" }));
  const category = field(
    "Category",
    h("select", {}, ...CATEGORIES.map((name) => h("option", { value: name }, capital(name)))),
  );
  const date = field("Date", h("input", { type: "date", max: today() }));
  date.control.value = today();
  const description = field("Note (optional)", h("input", { type: "text", maxlength: "200", autocomplete: "off" }));
  const submit = h("button", { type: "submit", class: "button primary" }, icon(PLUS), "Add expense");

  const add = whileBusy(submit, async () => {
    problem.clear();
    const value = amount.control.value.trim().replace(",", ".");
    const fine = allFine([
      [amount, AMOUNT.test(value) ? null : "Enter an amount such as 12.50."],
      [date, date.control.value === "" ? "Enter the day of the expense." : null],
    ]);
    if (!fine) return;
    try {
      await api.post("/api/v1/expenses", {
        amount: Number(value),
        category: category.control.value,
        date: date.control.value,
        description: description.control.value.trim() || null,
      });
    } catch (error) {
      problem.show("The expense was not saved.", error, () => void add());
      return;
    }
    amount.control.value = "";
    description.control.value = "";
    shell.announce(`Added: ${value} for ${category.control.value}.`);
    amount.control.focus();
    await reload();
  });

  const titleId = newId("title");
  return h(
    "form",
    {
      class: "panel form",
      novalidate: true,
      "aria-labelledby": titleId,
      on: {
        submit: (event) => {
          event.preventDefault();
          void add();
        },
      },
    },
    h("h2", { id: titleId }, "Add an expense"),
    problem.element,
    amount.element,
    category.element,
    date.element,
    description.element,
    h("p", { class: "actions" }, submit),
  );
}

export function winsView({ api, loadAccount, shell, signal }) {
  const problem = createProblemBox();
  const content = h("div", { class: "stack" });
  let rowsShown = ROWS_SHOWN;

  async function remove(expense, name) {
    if (!(await confirmed("Delete this expense?", `${name} will be gone for good.`, "Delete"))) return;
    problem.clear();
    try {
      await api.remove(`/api/v1/expenses/${encodeURIComponent(expense.id)}`);
    } catch (error) {
      problem.show("The expense was not deleted.", error, () => void remove(expense, name));
      return;
    }
    shell.announce(`Deleted: ${name}.`);
    await load();
    content.querySelector("h2")?.focus();
  }

  function draw(travelMoney) {
    const { expenses, money } = travelMoney;
    const rows = expenses.slice(0, rowsShown).map((expense) => row(expense, money, remove));
    const more = h(
      "button",
      {
        type: "button",
        class: "button",
        on: {
          click: () => {
            const next = rowsShown;
            rowsShown += ROWS_SHOWN;
            draw(travelMoney);
            content.querySelectorAll("tbody tr")[next]?.querySelector("button").focus();
          },
        },
      },
      "Show older expenses",
    );
    content.replaceChildren(
      summary(travelMoney),
      h(
        "section",
        { class: "panel" },
        h("h2", { tabindex: "-1" }, "Your expenses"),
        expenses.length === 0
          ? h("p", {}, "Nothing yet. Add your first expense.")
          : h(
              "table",
              { class: "expenses" },
              h(
                "thead",
                {},
                h(
                  "tr",
                  {},
                  h("th", { scope: "col" }, "Date"),
                  h("th", { scope: "col" }, "For"),
                  h("th", { scope: "col", class: "amount" }, "Amount"),
                  h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Delete")),
                ),
              ),
              h("tbody", {}, ...rows),
            ),
        expenses.length > rowsShown ? h("p", { class: "actions" }, more) : null,
      ),
    );
  }

  async function load() {
    if (content.childElementCount === 0)
      content.replaceChildren(h("p", { class: "loading" }, "Loading your expenses…"));
    try {
      draw(await loadTravelMoney({ api, loadAccount, signal }));
    } catch (error) {
      if (error.kind !== "cancelled") content.replaceChildren();
      problem.show("Your expenses could not be loaded.", error, load);
    }
  }

  return {
    title: "Wins",
    ready: load,
    element: h(
      "div",
      {},
      viewHeading("Wins: your travel money"),
      problem.element,
      h("div", { class: "columns" }, content, entryForm({ api, shell, reload: load })),
    ),
  };
}
