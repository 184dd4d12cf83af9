import { h } from "../dom.js";

export const view = () => [h("h1", {}, "Social"), h("p", {}, "Nobody is camping near you.")];
