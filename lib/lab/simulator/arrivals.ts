/**
 * When requests come: processes of mean rate 1, and their stretching to a rate that changes.
 *
 * @module
 */

import { exponential, gamma, type Random } from "./distributions.ts";

/** How arrivals follow each other. */
export type ArrivalProcess =
  | { readonly kind: "poisson" }
  | { readonly kind: "constant" }
  | { readonly kind: "erlang"; readonly stages: number }
  | { readonly kind: "hyperexponential"; readonly scv: number }
  | {
    readonly kind: "mmpp";
    /** Rate in the busy state, as a multiple of the mean rate. */
    readonly peak: number;
    /** Share of the time in the busy state. */
    readonly share: number;
    /** Mean stay in the busy state, s. */
    readonly stay: number;
  };

/** How a rate changes over time, as a factor of it. */
export type Shape =
  | { readonly kind: "steady" }
  /** Rises to a multiple within some time, stays there, and falls again as it rose. Times in s. */
  | {
    readonly kind: "flash";
    readonly at: number;
    readonly rise: number;
    readonly hold: number;
    readonly factor: number;
  }
  /** A wave between `low` and `high`; begins with its low. */
  | {
    readonly kind: "diurnal";
    readonly period: number;
    readonly low: number;
    readonly high: number;
  };

/**
 * The factor of a rate.
 *
 * @param shape how it changes
 * @param seconds time since the start
 */
export function factorAt(shape: Shape, seconds: number): number {
  switch (shape.kind) {
    case "steady":
      return 1;
    case "diurnal": {
      const wave = (1 - Math.cos(2 * Math.PI * seconds / shape.period)) / 2;
      return shape.low + (shape.high - shape.low) * wave;
    }
    case "flash": {
      const { at, rise, hold, factor } = shape;
      const up = Math.min(1, Math.max(0, (seconds - at) / Math.max(rise, 1e-9)));
      const down = Math.min(1, Math.max(0, (seconds - at - rise - hold) / Math.max(rise, 1e-9)));
      return 1 + (factor - 1) * (up - down);
    }
  }
}

/**
 * Gaps between arrivals, s, where the mean rate is one a second; MMPP in its two states by the clock
 * of that rate.
 *
 * @param process how they follow each other
 * @param rate real mean rate, 1/s: states of MMPP last real seconds
 * @param random chance
 */
export function gapsOf(process: ArrivalProcess, rate: number, random: Random): () => number {
  switch (process.kind) {
    case "poisson":
      return () => exponential(random);
    case "constant":
      return () => 1;
    case "erlang":
      return () => gamma(random, 1 / process.stages);
    case "hyperexponential":
      return hyperexponential(process.scv, random);
    case "mmpp":
      return mmpp(process, rate, random);
  }
}

/** Two exponential branches with balanced means. */
function hyperexponential(scv: number, random: Random): () => number {
  const often = (1 + Math.sqrt((scv - 1) / (scv + 1))) / 2;
  return () => {
    const branch = random() < often ? often : 1 - often;
    return exponential(random) / (2 * branch);
  };
}

/** Poisson arrivals whose rate switches between two values. */
function mmpp(
  { peak, share, stay }: ArrivalProcess & { kind: "mmpp" },
  rate: number,
  random: Random,
): () => number {
  const quiet = (1 - share * peak) / (1 - share);
  const busyStay = stay * rate;
  const quietStay = busyStay * (1 - share) / share;
  let busy = random() < share;
  let left = exponential(random) * (busy ? busyStay : quietStay);
  return () => {
    let gap = 0;
    for (;;) {
      const speed = busy ? peak : quiet;
      const next = speed > 0 ? exponential(random) / speed : Infinity;
      if (next <= left) {
        left -= next;
        return gap + next;
      }
      gap += left;
      busy = !busy;
      left = exponential(random) * (busy ? busyStay : quietStay);
    }
  };
}

/** Steps in which a changing rate is taken as steady, s. */
const stepS = 0.25;

/**
 * Moments of arrivals between two times.
 *
 * @param gaps between arrivals at rate 1
 * @param rate mean rate, 1/s
 * @param shape how it changes
 * @param from first moment, s
 * @param to last moment, s
 */
export function* moments(
  gaps: () => number,
  rate: number,
  shape: Shape,
  from: number,
  to: number,
): Generator<number, void> {
  let now = from;
  for (;;) {
    let work = gaps();
    if (shape.kind === "steady") now += work / rate;
    else {
      for (;;) {
        const speed = rate * factorAt(shape, now);
        const step = stepS - now % stepS;
        if (work <= speed * step) {
          now += work / speed;
          break;
        }
        work -= speed * step;
        now += step;
        if (now > to) return;
      }
    }
    if (now > to) return;
    yield now;
  }
}
