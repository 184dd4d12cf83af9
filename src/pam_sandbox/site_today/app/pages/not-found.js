import { h } from "../dom.js";

export const view = () => [h("h1", {}, "404 - Page Not Found"), h("p", {}, "There is nothing at this address.")];
