import assert from "node:assert/strict";
import { filterBytes, mayContain, warmFilter } from "./warm_filter.ts";

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** Share of 10,000 other names that a filter of so many names takes for its own. */
function falsePositives(count: number): number {
  const filter = warmFilter(names(count, "warm"));
  return names(10_000, "other").filter((name) => mayContain(filter, name)).length / 10_000;
}

Deno.test("a filter knows all its names, however many", () => {
  for (const count of [0, 1, 100, 5000]) {
    const filter = warmFilter(names(count, "warm"));
    assert.equal(filter.length, filterBytes);
    assert(names(count, "warm").every((name) => mayContain(filter, name)));
  }
});

Deno.test("it seldom errs with as many warm functions as a node has", () => {
  assert.equal(falsePositives(0), 0);
  assert(falsePositives(20) < 0.001);
  assert(falsePositives(100) < 0.01);
});
