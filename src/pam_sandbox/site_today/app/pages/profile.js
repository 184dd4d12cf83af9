import { h } from "../dom.js";
import { api, session } from "../services.js";

export function view() {
  if (session() === null) return [h("h1", {}, "Profile"), h("p", {}, "Please log in to view your profile.")];
  const name = h("input", { id: "full-name", readonly: "" });
  const email = h("input", { id: "profile-email", readonly: "" });
  api(`/api/v1/users/${session().user.id}/profile`)
    .then((found) => {
      name.value = found.full_name ?? "";
      email.value = found.email ?? "";
    })
    .catch(() => null);
  return [
    h("h1", {}, "Profile"),
    h("form", {}, h("label", { for: "full-name" }, "Full Name"), name, h("label", { for: "profile-email" }, "Email"), email),
  ];
}
