/**
 * A SYNTHETIC trace. It is not the Azure trace and not a sample of it: it is drawn from distributions
 * that follow what Shahrad et al. ("Serverless in the Wild", USENIX ATC 2020, section 3) tell of the
 * workload of Azure Functions. Seeded, so that anyone draws the same.
 *
 * @module
 */

import { seededRandom, seedOf } from "../../lib/base/random.ts";
import { exponential, normal, type Random } from "../../lib/lab/simulator/distributions.ts";
import type { FunctionTrace } from "./trace.ts";

/** What to draw. */
export interface SyntheticOptions {
  /** How many functions. */
  readonly functions: number;
  /** How long the trace is, ms. */
  readonly lengthMs: number;
  /** The same seed draws the same. */
  readonly seed: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How a function is asked for. */
type Kind = "timer" | "poisson" | "bursts";

/**
 * Shares of the kinds, by the coefficient of variation of times between requests (section 3.3, figure
 * 6): about a fifth of the applications near 0 (timers), two fifths above 1 (bursts), the rest about 1.
 */
const kinds: readonly (readonly [Kind, number])[] = [["timer", 0.2], ["bursts", 0.4], [
  "poisson",
  0.4,
]];

/**
 * Popularity (section 3.3, figure 5): 45 % of the applications are asked for once an hour or less, 81 %
 * once a minute or less; within each class the logarithm of the rate is uniform. Rates per ms. The
 * paper's reach above 1,000 a second; here they end at 10 a minute, since such functions are always
 * warm under any policy, and begin at one a day.
 */
const popularity: readonly (readonly [share: number, from: number, to: number])[] = [
  [0.45, 1 / dayMs, 1 / hourMs],
  [0.36, 1 / hourMs, 1 / minuteMs],
  [0.19, 1 / minuteMs, 10 / minuteMs],
];

/** Usual periods of timers, ms. */
const periods = [1, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440].map((m) => m * minuteMs);
/** How late a timer's request may come, ms. */
const timerJitterMs = 2_000;
/** Mean number of requests of a burst, and mean time between two of them, ms. */
const burst = { size: 8, gapMs: 5_000 };
/** How far the rate of requests of people swings in a day, as a share of the mean (figure 4). */
const dailySwing = 0.4;

/**
 * Draws a trace.
 *
 * @param options how many functions, how long, which
 */
export function* syntheticTrace(options: SyntheticOptions): Generator<FunctionTrace> {
  for (let k = 0; k < options.functions; k++) {
    const name = `f${String(k).padStart(4, "0")}`;
    yield drawFunction(name, options.lengthMs, seededRandom(seedOf(options.seed, name)));
  }
}

function drawFunction(name: string, lengthMs: number, random: Random): FunctionTrace {
  const kind = drawKind(random);
  const rate = drawRate(random);
  return {
    name,
    memoryMib: drawMemoryMib(random),
    durationMs: drawDurationMs(random),
    arrivalsMs: arrivals(kind, rate, lengthMs, random),
  };
}

function arrivals(kind: Kind, rate: number, lengthMs: number, random: Random): number[] {
  switch (kind) {
    case "timer":
      return timer(nearestPeriod(1 / rate), lengthMs, random);
    case "poisson":
      return poisson(rate, lengthMs, random);
    case "bursts":
      return poisson(rate / burst.size, lengthMs, random)
        .flatMap((start) => burstFrom(start, random))
        .filter((at) => at < lengthMs)
        .sort((a, b) => a - b);
  }
}

function timer(periodMs: number, lengthMs: number, random: Random): number[] {
  const found: number[] = [];
  for (let tick = random() * periodMs; tick < lengthMs; tick += periodMs) {
    found.push(Math.round(tick + random() * timerJitterMs));
  }
  return found.filter((at) => at < lengthMs);
}

/** Requests that do not know of each other; more by day than by night, by thinning. */
function poisson(rate: number, lengthMs: number, random: Random): number[] {
  const found: number[] = [];
  const most = rate * (1 + dailySwing);
  for (let at = exponential(random) / most; at < lengthMs; at += exponential(random) / most) {
    const now = rate * (1 + dailySwing * Math.sin(2 * Math.PI * at / dayMs));
    if (random() * most < now) found.push(Math.round(at));
  }
  return found;
}

/** A geometric number of requests, one shortly after the other. */
function burstFrom(start: number, random: Random): number[] {
  const found = [start];
  let at = start;
  while (random() < 1 - 1 / burst.size) {
    at += exponential(random) * burst.gapMs;
    found.push(Math.round(at));
  }
  return found;
}

function drawKind(random: Random): Kind {
  let left = random();
  for (const [kind, share] of kinds) if ((left -= share) < 0) return kind;
  return "poisson";
}

function drawRate(random: Random): number {
  let left = random();
  const [, from, to] = popularity.find(([share]) => (left -= share) < 0) ?? popularity.at(-1)!;
  return from * (to / from) ** random();
}

function nearestPeriod(ms: number): number {
  return periods.reduce((best, period) =>
    Math.abs(Math.log(period / ms)) < Math.abs(Math.log(best / ms)) ? period : best
  );
}

/** Memory of an application: Burr XII with c = 11.652, k = 0.221, scale 107.083 MB (section 3.5). */
function drawMemoryMib(random: Random): number {
  const mb = 107.083 * ((1 - random()) ** (-1 / 0.221) - 1) ** (1 / 11.652);
  return Math.round(Math.min(1024, Math.max(16, mb)));
}

/** Execution time: log-normal with log mean -0.38 and deviation 2.36, in seconds (section 3.4). */
function drawDurationMs(random: Random): number {
  return Math.round(1000 * Math.min(60, Math.exp(-0.38 + 2.36 * normal(random))));
}
