import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram, threeDigits, twoDigits } from "./histogram.ts";

const durations = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.double({ min: 0, max: 4e6, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);

function of(values: readonly number[], bits?: number): Histogram {
  const histogram = new Histogram(bits);
  for (const ms of values) histogram.record(ms);
  return histogram;
}

/** Exact quantile by nearest rank, rounded to microseconds. */
function exactQuantile(values: readonly number[], share: number): number {
  const sorted = values.map((ms) => Math.round(ms * 1000)).sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length - 1e-9)) - 1]! / 1000;
}

for (const [bits, error] of [[threeDigits, 0.001], [twoDigits, 0.016]] as const) {
  Deno.test(`Histogram: quantiles exceed the exact ones by at most ${error * 100} %`, () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const exact = exactQuantile(values, share);
        const found = of(values, bits).quantileMs(share);
        assert.ok(found >= exact && found <= exact * (1 + error) + 1e-9, `${found} for ${exact}`);
      }),
    );
  });
}

Deno.test("Histogram: count, mean, minimum and maximum are exact to the microsecond", () => {
  fc.assert(fc.property(durations, (values) => {
    const histogram = of(values);
    const us = values.map((ms) => Math.round(ms * 1000));
    assert.equal(histogram.count, values.length);
    assert.equal(histogram.minMs, Math.min(...us) / 1000);
    assert.equal(histogram.maxMs, Math.max(...us) / 1000);
    const mean = us.reduce((a, b) => a + b) / us.length / 1000;
    assert.ok(Math.abs(histogram.meanMs - mean) < 1e-6);
  }));
});

Deno.test("Histogram: the sum of histograms is the histogram of all values", () => {
  fc.assert(fc.property(durations, durations, (one, other) => {
    const sum = of(one);
    sum.add(of(other));
    const all = of([...one, ...other]);
    assert.deepEqual([...sum.steps()], [...all.steps()]);
    assert.deepEqual([sum.count, sum.minMs, sum.maxMs], [all.count, all.minMs, all.maxMs]);
  }));
  assert.throws(() => new Histogram(threeDigits).add(new Histogram(twoDigits)), TypeError);
});

Deno.test("Histogram: steps ascend to the maximum and count all values", () => {
  fc.assert(fc.property(durations, (values) => {
    const steps = [...of(values).steps()];
    assert.equal(steps.at(-1)!.upTo, values.length);
    assert.equal(steps.at(-1)!.ms, of(values).maxMs);
    for (let at = 1; at < steps.length; at++) {
      assert.ok(steps[at]!.ms > steps[at - 1]!.ms && steps[at]!.upTo > steps[at - 1]!.upTo);
    }
  }));
});

Deno.test("Histogram: values out of range count at its ends", () => {
  const histogram = of([-1, 1e12]);
  assert.equal(histogram.minMs, 0);
  assert.equal(histogram.maxMs, 4_294_967.295);
  assert.equal(histogram.quantileMs(1), 4_294_967.295);
});

Deno.test("Histogram: has no quantiles if empty", () => {
  assert.ok(Number.isNaN(new Histogram().quantileMs(0.5)));
  assert.ok(Number.isNaN(new Histogram().meanMs));
});
