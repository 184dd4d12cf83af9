// Who you are to Wheels & Wins.

import { h, viewHeading } from "../dom.js";
import { allFine, field, whileBusy } from "../forms.js";
import { createProblemBox } from "../problem.js";

export function profileView({ api, loadAccount, signal }) {
  const problem = createProblemBox();
  const content = h("div");

  function draw(profile) {
    const saved = h("p", { class: "saved", role: "status" });
    const name = field("Full name", h("input", { type: "text", autocomplete: "name", maxlength: "120" }));
    name.control.value = profile.full_name ?? "";
    const submit = h("button", { type: "submit", class: "button primary" }, "Save");
    const shownName = h("dd", { data: { testid: "profile-name" } }, profile.full_name ?? "");

    const save = whileBusy(submit, async () => {
      problem.clear();
      saved.textContent = "";
      const wanted = name.control.value.trim();
      if (!allFine([[name, wanted === "" ? "Enter your name." : null]])) return;
      try {
        await api.put("/api/v1/profile", { full_name: wanted });
        // Read again: what is shown is what is stored, not what was typed.
        const stored = await loadAccount(signal);
        shownName.textContent = stored.full_name ?? "";
        saved.textContent = "Saved.";
      } catch (error) {
        problem.show("Your profile could not be saved.", error, () => void save());
      }
    });

    content.replaceChildren(
      h(
        "div",
        { class: "panel" },
        h(
          "dl",
          { class: "facts-list" },
          h("dt", {}, "Name"),
          shownName,
          h("dt", {}, "E-mail"),
          h("dd", { data: { testid: "profile-email" } }, profile.email),
        ),
      ),
      h(
        "form",
        {
          class: "panel form",
          novalidate: true,
          "aria-label": "Change your name",
          on: {
            submit: (event) => {
              event.preventDefault();
              void save();
            },
          },
        },
        name.element,
        h("div", { class: "actions" }, submit, saved),
      ),
    );
  }

  async function load() {
    content.replaceChildren(h("p", { class: "loading" }, "Loading your profile…"));
    try {
      draw(await loadAccount(signal));
    } catch (error) {
      content.replaceChildren();
      problem.show("Your profile could not be loaded.", error, load);
    }
  }

  return {
    title: "Profile",
    ready: load,
    element: h("div", { class: "narrow" }, viewHeading("Your profile"), problem.element, content),
  };
}
