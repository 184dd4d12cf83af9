import { h } from "../dom.js";

export const view = () => [h("h1", {}, "You"), h("p", {}, "Your calendar is empty.")];
