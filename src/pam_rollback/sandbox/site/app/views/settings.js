// How Wheels & Wins works for you.

import { expectShape } from "../api.js";
import { h, viewHeading } from "../dom.js";
import { CURRENCIES } from "../format.js";
import { allFine, field, whileBusy } from "../forms.js";
import { createProblemBox } from "../problem.js";

const BUDGET = /^\d{1,7}(\.\d{1,2})?$/;

export function settingsView({ api, loadAccount, signal }) {
  const problem = createProblemBox();
  const content = h("div");

  function draw(settings) {
    const saved = h("p", { class: "saved", role: "status" });
    const unit = field(
      "Distances in",
      h("select", {}, h("option", { value: "miles" }, "Miles"), h("option", { value: "km" }, "Kilometres")),
    );
    unit.control.value = settings.distance_unit === "km" ? "km" : "miles";
    const currency = field(
      "Currency",
      h("select", {}, ...CURRENCIES.map((code) => h("option", { value: code }, code))),
    );
    currency.control.value = CURRENCIES.includes(settings.currency) ? settings.currency : CURRENCIES[0];
    const budget = field("Budget for a month", h("input", { type: "text", inputmode: "decimal" }), {
      hint: "Shown beside your expenses. Leave it empty for no budget.",
    });
    budget.control.value = Number(settings.monthly_budget) > 0 ? settings.monthly_budget : "";
    const submit = h("button", { type: "submit", class: "button primary" }, "Save");

    const save = whileBusy(submit, async () => {
      problem.clear();
      saved.textContent = "";
      const amount = budget.control.value.trim();
      const fine = amount === "" || BUDGET.test(amount);
      if (!allFine([[budget, fine ? null : "Enter an amount such as 1500 or 1500.50."]])) return;
      try {
        await api.put("/api/v1/settings", {
          settings: {
            distance_unit: unit.control.value,
            currency: currency.control.value,
            monthly_budget: amount === "" ? null : Number(amount),
          },
        });
        saved.textContent = "Saved.";
      } catch (error) {
        problem.show("Your settings could not be saved.", error, () => void save());
      }
    });

    content.replaceChildren(
      h(
        "form",
        {
          class: "panel form",
          novalidate: true,
          "aria-label": "Settings",
          on: {
            submit: (event) => {
              event.preventDefault();
              void save();
            },
          },
        },
        unit.element,
        currency.element,
        budget.element,
        h("div", { class: "actions" }, submit, saved),
      ),
    );
  }

  async function load() {
    content.replaceChildren(h("p", { class: "loading" }, "Loading your settings…"));
    try {
      const [, answer] = await Promise.all([loadAccount(signal), api.get("/api/v1/settings", signal)]);
      expectShape(typeof answer?.settings === "object" && answer.settings !== null);
      draw(answer.settings);
    } catch (error) {
      content.replaceChildren();
      problem.show("Your settings could not be loaded.", error, load);
    }
  }

  return {
    title: "Settings",
    ready: load,
    element: h("div", { class: "narrow" }, viewHeading("Settings"), problem.element, content),
  };
}
