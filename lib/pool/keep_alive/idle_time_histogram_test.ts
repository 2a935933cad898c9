import assert from "node:assert/strict";
import { binCount, IdleTimeHistogram } from "./idle_time_histogram.ts";

const minute = 60_000;

Deno.test("IdleTimeHistogram: percentile, returns the ends of the bin that holds its rank", () => {
  const histogram = new IdleTimeHistogram();
  for (let k = 1; k <= 100; k++) histogram.add(k * minute + 1);
  assert.deepEqual(histogram.percentile(0.05), { lowerMs: 5 * minute, upperMs: 6 * minute });
  assert.deepEqual(histogram.percentile(0.99), { lowerMs: 99 * minute, upperMs: 100 * minute });
  assert.deepEqual(histogram.percentile(1), { lowerMs: 100 * minute, upperMs: 101 * minute });
  assert.deepEqual(histogram.percentile(0), { lowerMs: minute, upperMs: 2 * minute });
  assert.equal(new IdleTimeHistogram().percentile(0.5).upperMs, 240 * minute);
});

Deno.test("IdleTimeHistogram: idle time beyond the range, is counted separately", () => {
  const histogram = new IdleTimeHistogram();
  for (const idle of [0, 239.9, 240, 1e6]) histogram.add(idle * minute);
  assert.deepEqual([histogram.total, histogram.outOfBoundsShare], [2, 0.5]);
});

Deno.test("IdleTimeHistogram: variation, is least for equal bins and most for a single one", () => {
  const even = new IdleTimeHistogram();
  for (let bin = 0; bin < binCount; bin++) even.add(bin * minute);
  assert.equal(even.variation, 0);
  const peak = new IdleTimeHistogram();
  for (let k = 0; k < 7; k++) peak.add(10 * minute);
  assert(Math.abs(peak.variation - Math.sqrt(239)) < 1e-9);
  assert.equal(new IdleTimeHistogram().variation, 0);
});

Deno.test("IdleTimeHistogram: many idle times, old ones lose weight and no count overflows", () => {
  const histogram = new IdleTimeHistogram();
  for (let k = 0; k < 100_000; k++) histogram.add(minute);
  assert(histogram.total < 10_000);
  for (let k = 0; k < 20_000; k++) histogram.add(30 * minute);
  assert.equal(histogram.percentile(0.5).lowerMs, 30 * minute);
});
