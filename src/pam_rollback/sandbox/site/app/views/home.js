// The front door: what the site does; for somebody signed in also how this month looks.

import { h, icon, viewHeading } from "../dom.js";
import { monthName } from "../format.js";
import { CHAT, MONEY, VAN } from "../icons.js";
import { createProblemBox } from "../problem.js";
import * as session from "../session.js";
import { loadTravelMoney } from "../travel-money.js";

const WELCOME =
  "Wheels & Wins brings your trips and your travel money together, and PAM, your travel assistant, " +
  "answers what you ask along the way.";

const PICTURE = new URL("../../hero.svg", import.meta.url).pathname;

function card(href, outline, title, words) {
  return h("li", { class: "card" }, icon(outline), h("h2", {}, h("a", { href }, title)), h("p", {}, words));
}

export function homeView({ api, loadAccount, signal }) {
  const signedIn = session.token() !== null;
  const problem = createProblemBox();
  const month = h("div", { class: "month" });

  async function load() {
    month.replaceChildren(h("p", { class: "loading" }, "Loading your month…"));
    try {
      const { money, monthTotal } = await loadTravelMoney({ api, loadAccount, signal });
      month.replaceChildren(
        h(
          "p",
          {},
          `Spent in ${monthName()} so far: `,
          h("strong", { data: { testid: "month-total" } }, money(monthTotal)),
        ),
        h("p", {}, h("a", { href: "/wins" }, "See your expenses")),
      );
    } catch (error) {
      month.replaceChildren();
      problem.show("Your month could not be loaded.", error, load);
    }
  }

  return {
    title: "Wheels & Wins",
    ready: signedIn ? load : undefined,
    element: h(
      "div",
      {},
      h(
        "section",
        { class: "hero" },
        h(
          "div",
          { class: "hero-words" },
          viewHeading("Plan the road. Keep the budget."),
          h(
            "p",
            { class: "lead" },
            WELCOME,
          ),
          problem.element,
          signedIn
            ? month
            : h("p", { class: "actions" }, h("a", { class: "button primary", href: "/login" }, "Log in and start")),
        ),
        h("img", { class: "hero-picture", src: PICTURE, alt: "", width: "560", height: "380" }),
      ),
      h(
        "ul",
        { class: "cards" },
        card(
          "/pam",
          CHAT,
          "Ask PAM",
          "Routes, campgrounds, costs: ask in your own words and get an answer you can use.",
        ),
        card(
          "/wins",
          MONEY,
          "Count your wins",
          "Write down what you spend on the road and see at a glance how the month goes.",
        ),
        card(
          "/wheels",
          VAN,
          "Get rolling",
          "Pick an idea for the next trip, see how far it is, and let PAM fill in the rest.",
        ),
      ),
    ),
  };
}
