import { h } from "../dom.js";

export const view = () => [h("h1", {}, "Wheels"), h("p", {}, "No trip is planned yet.")];
