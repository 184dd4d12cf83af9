// Trips: a few ideas with their length in the person's own unit, and what the road has cost this month.

import { h, icon, viewHeading } from "../dom.js";
import { monthName } from "../format.js";
import { CHAT, VAN } from "../icons.js";
import { createProblemBox } from "../problem.js";
import { loadTravelMoney } from "../travel-money.js";

const KM_PER_MILE = 1.609344;
const TRIPS = [
  {
    name: "Coast road north",
    days: 3,
    distance_km: 420,
    words: "Cliffs, lighthouses and two quiet campgrounds by the water.",
  },
  {
    name: "Lakes and pine woods",
    days: 5,
    distance_km: 640,
    words: "Short legs, long swims, and a market town on every second day.",
  },
  {
    name: "High desert loop",
    days: 4,
    distance_km: 810,
    words: "Red rock, dark skies and hot springs; best in spring and autumn.",
  },
];

const distance = (km, unit) => (unit === "km" ? `${km} km` : `${Math.round(km / KM_PER_MILE)} miles`);

function tripCard(trip, unit) {
  return h(
    "li",
    { class: "card" },
    icon(VAN),
    h("h2", {}, trip.name),
    h("p", { class: "facts" }, `${trip.days} days · ${distance(trip.distance_km, unit)}`),
    h("p", {}, trip.words),
    h(
      "p",
      { class: "actions" },
      h(
        "a",
        {
          class: "button",
          href: "/pam",
          data: { ask: `Plan “${trip.name}” for me: ${trip.days} days, ${distance(trip.distance_km, unit)}.` },
        },
        icon(CHAT),
        h("span", {}, "Ask PAM", h("span", { class: "visually-hidden" }, ` about ${trip.name}`)),
      ),
    ),
  );
}

export function wheelsView({ api, loadAccount, signal }) {
  const problem = createProblemBox();
  const content = h("div");

  async function load() {
    content.replaceChildren(h("p", { class: "loading" }, "Loading your trips…"));
    try {
      const { settings, money, monthTotal } = await loadTravelMoney({ api, loadAccount, signal });
      content.replaceChildren(
        h(
          "p",
          { class: "lead" },
          "On the road you have spent ",
          h("strong", { data: { testid: "month-total" } }, money(monthTotal)),
          ` in ${monthName()}.`,
        ),
        h("ul", { class: "cards" }, ...TRIPS.map((trip) => tripCard(trip, settings.distance_unit))),
      );
    } catch (error) {
      content.replaceChildren();
      problem.show("Your trips could not be loaded.", error, load);
    }
  }

  return {
    title: "Wheels",
    ready: load,
    element: h("div", {}, viewHeading("Wheels: where to next?"), problem.element, content),
  };
}
