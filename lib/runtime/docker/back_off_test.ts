import assert from "node:assert/strict";
import { BackOff } from "./back_off.ts";

Deno.test("waits double up to a bound, and begin anew after a success", () => {
  const backOff = new BackOff();
  assert.equal(backOff.holds(0), false);
  assert.deepEqual([1, 2, 3].map(() => backOff.failed(0)), [1000, 2000, 4000]);
  assert.deepEqual([backOff.holds(3999), backOff.holds(4000)], [true, false]);
  for (let n = 0; n < 20; n++) backOff.failed(0);
  assert.equal(backOff.failed(0), 300_000);
  backOff.succeeded();
  assert.equal(backOff.failed(0), 1000);
});
