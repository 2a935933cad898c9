import assert from "node:assert/strict";
import { estimate, medianOf, quantileOf, t95 } from "./statistics.ts";

Deno.test("quantiles of Student's t distribution are those of its tables", () => {
  const known: [freedom: number, quantile: number][] = [
    [1, 12.706],
    [30, 2.042],
    [31, 2.04],
    [40, 2.021],
    [60, 2],
    [120, 1.98],
    [1000, 1.962],
  ];
  for (const [freedom, quantile] of known) {
    assert(Math.abs(t95(freedom) - quantile) < 0.0006, `${freedom}: ${t95(freedom)}`);
  }
});

Deno.test("a mean has an interval from two samples on, and what is unknown is left out", () => {
  const { mean, ci } = estimate([1, NaN, 3]);
  assert.equal(mean, 2);
  assert(Math.abs(ci! - 12.706) < 1e-9);
  assert.deepEqual(estimate([5]), { mean: 5, ci: null });
});

Deno.test("the median is the middle of the sorted samples", () => {
  assert.equal(medianOf([9, 1, 10]), 9);
  assert.equal(medianOf([4, 1, 3, 2]), 2.5);
});

Deno.test("a quantile is the sample of the nearest rank", () => {
  const samples = Array.from({ length: 64 }, (_, index) => index + 1);
  assert.equal(quantileOf(samples, 0.99), 64);
  assert.equal(quantileOf(samples, 0.5), 32);
  assert.equal(quantileOf([7], 0), 7);
});
