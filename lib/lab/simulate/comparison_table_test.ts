import assert from "node:assert/strict";
import type { Comparison } from "../simulator/results/results.ts";
import { comparisonTable } from "./comparison_table.ts";

const of = (mean: number, ci: number | null = null) => ({ mean, ci });
const share = of(0.5);

function comparison(changes: { overBudget?: number; promisesBroken?: number } = {}): Comparison {
  return {
    about: "A test",
    seconds: 100,
    warmup: 10,
    seeds: [1, 2],
    budget: 3,
    policies: ["one", "other"].map((policy, at) => ({
      policy,
      utility: of(10 + at, 0.5),
      gain: of(at, 0.25),
      cost: of(2),
      overBudget: 0,
      promisesBroken: 0,
      ...(at === 1 ? changes : {}),
      classes: [{
        name: "fast",
        rate: of(5),
        served: share,
        inTime: of(0.375, 0.01),
        dropped: share,
        late: share,
        cold: of(NaN),
        local: of(0.25),
        edge: of(0.25),
        cloud: of(0),
        meanMs: of(100),
        p50Ms: of(90),
        p95Ms: of(200),
        p99Ms: of(300),
        utility: of(10),
        cost: of(2),
      }],
      perSecond: [],
      utilities: [],
    })),
  };
}

Deno.test("comparisonTable: shows policies and classes with confidence intervals and gains", () => {
  const text = comparisonTable(comparison());
  assert.match(text, /^A test\n100 s after 10 s, 2 seeds, .* budget 3 per node and hour\n/);
  assert.match(text, /MORE THAN ONE/);
  assert.match(text, /one +10\.000 ± 0\.500 +2\.000\n/);
  assert.match(text, /other +11\.000 ± 0\.500 +1\.000 ± 0\.250 +2\.000\n/);
  assert.match(text, /one +fast +37\.5 ± 1\.0 +50\.0 .* 100 +90 +200 +300 +25\/25\/0 +- +10\.000/);
});

Deno.test("comparisonTable: marks policies over budget or below a completion share", () => {
  const text = comparisonTable(comparison({ overBudget: 1, promisesBroken: 2 }));
  assert.match(text, /other .*over budget, completion missed/);
});
