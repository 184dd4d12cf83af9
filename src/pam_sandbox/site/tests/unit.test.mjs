import assert from "node:assert/strict";
import test from "node:test";

import { hasNewFeatures } from "../app/service.js";
import { dollars } from "../app/views/pages.js";

test("an amount is written with its cents", () => assert.equal(dollars("1234.5"), "$1234.50"));

test("an older release has nothing to switch", () => {
  assert.deepEqual(["1.41.3", "1.42.0", "2.0.0"].map(hasNewFeatures), [false, true, true]);
});
