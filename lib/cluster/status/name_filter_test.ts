import assert from "node:assert/strict";
import { mayContain, nameFilter } from "./name_filter.ts";

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** Share of 10,000 other names that a filter of `count` names reports as contained. */
function falsePositives(count: number, bytes: number): number {
  const filter = nameFilter(names(count, "warm"), bytes);
  return names(10_000, "other").filter((name) => mayContain(filter, name)).length / 10_000;
}

Deno.test("nameFilter: contains all of its names", () => {
  for (const count of [0, 1, 100, 5000]) {
    const filter = nameFilter(names(count, "warm"), 192);
    assert.equal(filter.length, 192);
    assert(names(count, "warm").every((name) => mayContain(filter, name)));
  }
});

Deno.test("nameFilter: false positives are rare at the number of functions and images of a node", () => {
  assert.equal(falsePositives(0, 192), 0);
  assert(falsePositives(20, 192) < 0.001);
  assert(falsePositives(100, 192) < 0.01);
  assert(falsePositives(40, 96) < 0.005);
  assert(falsePositives(100, 96) < 0.04);
});
