import assert from "node:assert/strict";
import { BackOff } from "./back_off.ts";

Deno.test("BackOff: doubles the wait with each failure up to the maximum, until a success", () => {
  const backOff = new BackOff(1000, 5000);
  assert.deepEqual([1, 2, 3, 4, 5].map(() => backOff.failed()), [1000, 2000, 4000, 5000, 5000]);
  backOff.succeeded();
  assert.equal(backOff.waitMs, 1000);
  assert.equal(backOff.failed(), 1000);
});
