import assert from "node:assert/strict";
import { recoveryS } from "./recovery.ts";

const series = (...parts: readonly (readonly [number, number])[]) =>
  parts.flatMap(([seconds, rate]) => Array.from({ length: seconds }, () => rate));

Deno.test("what was never gone has recovered at once", () => {
  assert.equal(recoveryS(series([200, 10]), 100, 20), 0);
});

Deno.test("recovery ends with the first window that is back at nine tenths of the former rate", () => {
  // 2 s of 4 and 8 s of 10 are 8.8, 1 s of 4 and 9 s of 10 are 9.4.
  assert.equal(recoveryS(series([100, 10], [20, 4], [100, 10]), 100, 20), 19 + 10);
});

Deno.test("where less can be reached, nine tenths of that are enough", () => {
  assert.equal(recoveryS(series([100, 10], [100, 5]), 100, 5.5), 0);
});

Deno.test("what never comes back has no recovery", () => {
  assert.equal(recoveryS(series([100, 10], [100, 5]), 100, 20), Infinity);
});
