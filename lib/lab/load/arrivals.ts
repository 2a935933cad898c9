/**
 * When the requests of an open loop come, whatever becomes of them: arrival processes, each a
 * generator of ever later times.
 *
 * @module
 */

/** A request to come. */
export interface Arrival {
  /** When it is due, s after the start. */
  readonly at: number;
  /** Index of its kind, where the process tells it; else the kinds' weights do. */
  readonly kind?: number;
}

/** The next request; undefined after the last one. */
export type Arrivals = () => Arrival | undefined;

/** Uniform in [0, 1). */
export type Random = () => number;

/**
 * Requests at equal distances.
 *
 * @param rate requests per second
 */
export function constantArrivals(rate: number): Arrivals {
  let index = 0;
  // A product, not a sum: a million additions drift.
  return () => ({ at: index++ / rate });
}

/**
 * A Poisson process: many users who know nothing of each other.
 *
 * @param rate requests per second on average
 * @param random where its chance comes from
 */
export function poissonArrivals(rate: number, random: Random): Arrivals {
  let at = 0;
  return () => ({ at: at += exponential(rate, random) });
}

/** A load with bursts. */
export interface Bursts {
  /** Requests per second on average over all time. */
  readonly rate: number;
  /** How many times the rate between bursts that within them is. */
  readonly factor: number;
  /** Mean length of a burst, s. */
  readonly burstS: number;
  /** Mean time between two bursts, s. */
  readonly calmS: number;
}

/**
 * A Markov-modulated Poisson process of two states (MMPP): calm and burst take turns, each for an
 * exponential time, and each has a Poisson process of its own rate.
 *
 * @param bursts the two states
 * @param random where its chance comes from
 */
export function burstyArrivals(
  { rate, factor, burstS, calmS }: Bursts,
  random: Random,
): Arrivals {
  const calmRate = rate * (calmS + burstS) / (calmS + factor * burstS);
  const states = [{ rate: calmRate, meanS: calmS }, { rate: calmRate * factor, meanS: burstS }];
  // As long as each state is its share of all time, so is the chance to begin in it.
  let state = random() < burstS / (calmS + burstS) ? 1 : 0;
  let at = 0;
  let until = exponential(1 / states[state]!.meanS, random);
  return () => {
    for (;;) {
      const next = at + exponential(states[state]!.rate, random);
      if (next < until) return { at: at = next };
      // Without memory, the process may begin anew where the state changes.
      at = until;
      state = 1 - state;
      until += exponential(1 / states[state]!.meanS, random);
    }
  };
}

/**
 * Requests at given times.
 *
 * @param arrivals in the order of their times
 */
export function replayedArrivals(arrivals: readonly Arrival[]): Arrivals {
  let index = 0;
  return () => arrivals[index++];
}

/** An exponential time of the given rate. */
function exponential(rate: number, random: Random): number {
  return -Math.log1p(-random()) / rate;
}
