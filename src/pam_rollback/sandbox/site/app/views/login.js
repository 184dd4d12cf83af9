// Log in with e-mail address and password.

import { expectShape } from "../api.js";
import { h, viewHeading } from "../dom.js";
import { allFine, field, whileBusy } from "../forms.js";
import { createProblemBox } from "../problem.js";
import * as session from "../session.js";

export function loginView({ api, navigate, shell, signal }) {
  const { message = null, next = "/pam" } = history.state ?? {};
  const problem = createProblemBox();
  const email = field(
    "E-mail address",
    h("input", { type: "email", name: "email", autocomplete: "username", required: true }),
  );
  const password = field(
    "Password",
    h("input", { type: "password", name: "password", autocomplete: "current-password", required: true }),
  );
  const submit = h("button", { type: "submit", class: "button primary" }, "Log in");

  const logIn = whileBusy(submit, async () => {
    problem.clear();
    const fine = allFine([
      [email, email.control.value.trim() === "" ? "Enter your e-mail address." : null],
      [password, password.control.value === "" ? "Enter your password." : null],
    ]);
    if (!fine) return;
    try {
      const answer = await api.logIn(email.control.value.trim(), password.control.value);
      expectShape(typeof answer?.access_token === "string" && typeof answer.expires_in === "number");
      if (signal.aborted) return;
      session.begin(answer);
      shell.announce("You are logged in.");
      navigate(next, { replace: true });
    } catch (error) {
      if (error.kind === "signed-out" || error.status === 422) {
        problem.show("That e-mail address and password do not fit together. Please check both.", null);
      } else {
        problem.show("You could not be logged in.", error, () => void logIn());
      }
    }
  });

  return {
    title: "Log in",
    ready: () => {
      if (message !== null) problem.show(message, null);
    },
    element: h(
      "div",
      { class: "narrow" },
      viewHeading("Log in"),
      problem.element,
      h(
        "form",
        {
          class: "panel form",
          novalidate: true,
          on: {
            submit: (event) => {
              event.preventDefault();
              void logIn();
            },
          },
        },
        email.element,
        password.element,
        h("p", { class: "actions" }, submit),
      ),
    ),
  };
}
