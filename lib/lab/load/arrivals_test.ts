import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import {
  type Arrivals,
  burstyArrivals,
  constantArrivals,
  poissonArrivals,
  replayedArrivals,
} from "./arrivals.ts";

/** Times before an end. */
function timesOf(arrivals: Arrivals, seconds: number): number[] {
  const times: number[] = [];
  for (let next = arrivals(); next && next.at < seconds; next = arrivals()) times.push(next.at);
  return times;
}

/** Mean number of arrivals per window, and the index of dispersion. */
function dispersion(times: readonly number[], seconds: number, windowS: number) {
  const counts = new Array<number>(Math.floor(seconds / windowS)).fill(0);
  for (const at of times) {
    const window = Math.floor(at / windowS);
    if (window < counts.length) counts[window]!++;
  }
  const mean = counts.reduce((a, b) => a + b) / counts.length;
  const variance = counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / counts.length;
  return { mean, index: variance / mean };
}

const bursts = { rate: 100, factor: 10, burstS: 1, calmS: 9 };
const processes: Record<string, (seed: number) => Arrivals> = {
  constant: () => constantArrivals(100),
  poisson: (seed) => poissonArrivals(100, seededRandom(seed)),
  bursty: (seed) => burstyArrivals(bursts, seededRandom(seed)),
};

for (const [name, make] of Object.entries(processes)) {
  Deno.test(`${name}: times increase, and equal seeds give equal times`, () => {
    const times = timesOf(make(7), 100);
    for (let at = 1; at < times.length; at++) assert.ok(times[at]! >= times[at - 1]!);
    assert.deepEqual(timesOf(make(7), 100), times);
  });

  Deno.test(`${name}: has the requested mean rate`, () => {
    const seconds = 20_000;
    const rate = timesOf(make(1), seconds).length / seconds;
    assert.ok(Math.abs(rate - 100) < 3, `${rate}`);
  });
}

Deno.test("constantArrivals: has equal intervals without drift", () => {
  assert.deepEqual(timesOf(constantArrivals(4), 1), [0, 0.25, 0.5, 0.75]);
  assert.equal(timesOf(constantArrivals(1000), 1000).at(-1), 999.999);
});

Deno.test("poissonArrivals: has an index of dispersion of 1", () => {
  const times = timesOf(poissonArrivals(100, seededRandom(3)), 2000);
  for (const windowS of [0.1, 1]) {
    const { index } = dispersion(times, 2000, windowS);
    assert.ok(Math.abs(index - 1) < 0.1, `${index} in windows of ${windowS} s`);
  }
});

Deno.test("poissonArrivals: has exponential gaps, of which 1/e exceed the mean", () => {
  const times = timesOf(poissonArrivals(100, seededRandom(5)), 1000);
  const longer = times.slice(1).filter((at, i) => at - times[i]! > 0.01).length / times.length;
  assert.ok(Math.abs(longer - Math.exp(-1)) < 0.01, `${longer}`);
});

Deno.test("burstyArrivals: has the rates of bursts and of calm periods", () => {
  // Calm 100 * 10 / (9 + 10) = 52.6/s, bursts ten times that.
  const times = timesOf(burstyArrivals(bursts, seededRandom(2)), 20_000);
  const counts = new Array<number>(200_000).fill(0);
  for (const at of times) counts[Math.min(counts.length - 1, Math.floor(at * 10))]!++;
  const sorted = counts.toSorted((a, b) => a - b);
  const mean = (from: number, to: number) =>
    sorted.slice(from, to).reduce((a, b) => a + b) / (to - from) * 10;
  const calm = mean(0, 160_000);
  const burst = mean(185_000, 200_000);
  assert.ok(calm > 40 && calm < 60, `${calm}`);
  assert.ok(burst > 480 && burst < 620, `${burst}`);
  assert.ok(dispersion(times, 20_000, 1).index > 50);
});

Deno.test("replayedArrivals: returns the arrivals of the trace, then none", () => {
  const trace = [{ at: 0.5 }, { at: 0.5, kind: 1 }, { at: 2 }];
  const arrivals = replayedArrivals(trace);
  assert.deepEqual([arrivals(), arrivals(), arrivals(), arrivals()], [...trace, undefined]);
});
