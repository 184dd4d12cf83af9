import { h } from "../dom.js";

export const view = () => [h("h1", {}, "Create an account"), h("p", {}, "New travellers are welcome in spring.")];
