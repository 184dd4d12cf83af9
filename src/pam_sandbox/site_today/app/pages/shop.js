import { h } from "../dom.js";

export const view = () => [h("h1", {}, "Shop"), h("p", {}, "Maps, guides and gear for the road.")];
