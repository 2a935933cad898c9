/**
 * Arrival processes of mean rate 1, and their scaling to a rate that changes over time.
 *
 * @module
 */

import { exponential, gamma, type Random } from "./distributions.ts";

/** Arrival process. */
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
    /** Mean duration of the busy state, s. */
    readonly stay: number;
  };

/** Change of a rate over time, as a factor. */
export type Shape =
  | { readonly kind: "steady" }
  /** Rises to a factor, holds it, and falls again. Times in s. */
  | {
    readonly kind: "flash";
    readonly at: number;
    readonly rise: number;
    readonly hold: number;
    readonly factor: number;
  }
  /** Cosine wave between `low` and `high`, starting at `low`. */
  | {
    readonly kind: "diurnal";
    readonly period: number;
    readonly low: number;
    readonly high: number;
  };

/**
 * Returns the factor of a rate.
 *
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
 * Returns a generator of intervals between arrivals for a mean rate of 1/s.
 *
 * @param rate actual mean rate, 1/s, since the states of MMPP last actual seconds
 * @param random source of randomness
 */
export function intervalsOf(process: ArrivalProcess, rate: number, random: Random): () => number {
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

/** Hyperexponential distribution with two branches and balanced means. */
function hyperexponential(scv: number, random: Random): () => number {
  const often = (1 + Math.sqrt((scv - 1) / (scv + 1))) / 2;
  return () => {
    const branch = random() < often ? often : 1 - often;
    return exponential(random) / (2 * branch);
  };
}

/** Markov-modulated Poisson process with two states. */
function mmpp(
  { peak, share, stay }: ArrivalProcess & { kind: "mmpp" },
  rate: number,
  random: Random,
): () => number {
  const quiet = (1 - share * peak) / (1 - share);
  const busyMean = stay * rate;
  const quietMean = busyMean * (1 - share) / share;
  let busy = random() < share;
  let left = exponential(random) * (busy ? busyMean : quietMean);
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
      left = exponential(random) * (busy ? busyMean : quietMean);
    }
  };
}

/** Step in which a changing rate is taken as constant, s. */
const stepS = 0.25;

/**
 * Yields the times of arrivals.
 *
 * @param intervals intervals between arrivals at rate 1
 * @param rate mean rate, 1/s
 * @param shape shape of the rate
 * @param from start, s
 * @param to end, s
 */
export function* arrivalTimes(
  intervals: () => number,
  rate: number,
  shape: Shape,
  from: number,
  to: number,
): Generator<number, void> {
  let now = from;
  for (;;) {
    let work = intervals();
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
