import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import { type ArrivalProcess, arrivalTimes, intervalsOf, type Shape } from "./arrivals.ts";
import { gamma, truncatedNormal } from "./distributions.ts";

const samples = 40_000;

function moment(draw: () => number) {
  const values = Array.from({ length: samples }, draw);
  const mean = values.reduce((sum, each) => sum + each, 0) / samples;
  const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / samples;
  return { mean, scv: variance / mean ** 2 };
}

for (const scv of [0, 0.1, 0.25, 0.3, 0.5, 1, 2]) {
  Deno.test(`gamma: has mean 1 and squared coefficient of variation ${scv}`, () => {
    const random = seededRandom(1);
    const found = moment(() => gamma(random, scv));
    assert(Math.abs(found.mean - 1) < 0.03, `mean ${found.mean}`);
    assert(Math.abs(found.scv - scv) < 0.05 + 0.05 * scv, `scv ${found.scv}`);
  });
}

Deno.test("truncatedNormal: keeps its bounds, also far from the mean", () => {
  const random = seededRandom(1);
  for (const min of [100, 1e6]) {
    const of = { mean: 1000, deviation: 1000, min, max: 5e6 };
    for (let i = 0; i < 100; i++) assert(truncatedNormal(random, of) >= min);
  }
});

const processes: readonly (readonly [ArrivalProcess, number])[] = [
  [{ kind: "constant" }, 0],
  [{ kind: "poisson" }, 1],
  [{ kind: "erlang", stages: 4 }, 0.25],
  [{ kind: "hyperexponential", scv: 4 }, 4],
];

for (const [process, scv] of processes) {
  Deno.test(`intervalsOf: ${process.kind} has mean 1 and squared coefficient of variation ${scv}`, () => {
    const found = moment(intervalsOf(process, 1, seededRandom(1)));
    assert(Math.abs(found.mean - 1) < 0.04, `mean ${found.mean}`);
    assert(Math.abs(found.scv - scv) < 0.05 + 0.1 * scv, `scv ${found.scv}`);
  });
}

Deno.test("intervalsOf: mmpp has the mean rate and bursts", () => {
  const process: ArrivalProcess = { kind: "mmpp", peak: 4, share: 0.2, stay: 5 };
  const found = moment(intervalsOf(process, 10, seededRandom(1)));
  assert(Math.abs(found.mean - 1) < 0.05, `mean ${found.mean}`);
  assert(found.scv > 1.5, `scv ${found.scv}`);
});

function count(shape: Shape, from: number, to: number): number {
  const intervals = intervalsOf({ kind: "poisson" }, 50, seededRandom(2));
  return [...arrivalTimes(intervals, 50, shape, 0, 400)].filter((at) => at >= from && at < to)
    .length;
}

Deno.test("arrivalTimes: a flash crowd multiplies the rate", () => {
  const shape: Shape = { kind: "flash", at: 100, rise: 10, hold: 100, factor: 5 };
  assert(Math.abs(count(shape, 0, 100) / 5000 - 1) < 0.05);
  assert(Math.abs(count(shape, 110, 210) / 25_000 - 1) < 0.05);
  assert(Math.abs(count(shape, 220, 400) / 9000 - 1) < 0.05);
});

Deno.test("arrivalTimes: a diurnal shape rises from its low to its high and falls again", () => {
  const shape: Shape = { kind: "diurnal", period: 400, low: 0.2, high: 1.8 };
  assert(Math.abs(count(shape, 0, 400) / 20_000 - 1) < 0.05);
  assert(count(shape, 180, 220) > 5 * count(shape, 0, 40));
});
