import assert from "node:assert/strict";
import { quantity } from "./quantity.ts";

Deno.test("quantity: only one thing is in the singular", () => {
  assert.deepEqual([0, 1, 2].map((count) => quantity(count, "node")), [
    "0 nodes",
    "1 node",
    "2 nodes",
  ]);
});
