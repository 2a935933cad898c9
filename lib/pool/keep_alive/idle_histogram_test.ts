import assert from "node:assert/strict";
import { binCount, IdleHistogram } from "./idle_histogram.ts";

const minute = 60_000;

Deno.test("percentiles are the ends of the bin that holds their rank", () => {
  const histogram = new IdleHistogram();
  for (let k = 1; k <= 100; k++) histogram.add(k * minute + 1);
  assert.deepEqual(histogram.percentile(0.05), { lowerMs: 5 * minute, upperMs: 6 * minute });
  assert.deepEqual(histogram.percentile(0.99), { lowerMs: 99 * minute, upperMs: 100 * minute });
  assert.deepEqual(histogram.percentile(1), { lowerMs: 100 * minute, upperMs: 101 * minute });
  assert.deepEqual(histogram.percentile(0), { lowerMs: minute, upperMs: 2 * minute });
  assert.equal(new IdleHistogram().percentile(0.5).upperMs, 240 * minute);
});

Deno.test("what is beyond the range is counted apart", () => {
  const histogram = new IdleHistogram();
  for (const idle of [0, 239.9, 240, 1e6]) histogram.add(idle * minute);
  assert.deepEqual([histogram.total, histogram.outOfBoundsShare], [2, 0.5]);
});

Deno.test("counts vary least where every bin holds the same, most where one holds all", () => {
  const even = new IdleHistogram();
  for (let bin = 0; bin < binCount; bin++) even.add(bin * minute);
  assert.equal(even.variation, 0);
  const peak = new IdleHistogram();
  for (let k = 0; k < 7; k++) peak.add(10 * minute);
  assert(Math.abs(peak.variation - Math.sqrt(239)) < 1e-9);
  assert.equal(new IdleHistogram().variation, 0);
});

Deno.test("old idle times count ever less, and no count overflows", () => {
  const histogram = new IdleHistogram();
  for (let k = 0; k < 100_000; k++) histogram.add(minute);
  assert(histogram.total < 10_000);
  for (let k = 0; k < 20_000; k++) histogram.add(30 * minute);
  assert.equal(histogram.percentile(0.5).lowerMs, 30 * minute);
});
