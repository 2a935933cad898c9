/**
 * Arrival processes of open loops, each a generator of increasing times.
 *
 * @module
 */

/** Arrival of a request. */
export interface Arrival {
  /** Time, s after the start. */
  readonly at: number;
  /** Index of its kind if the process determines it; otherwise it is drawn by weight. */
  readonly kind?: number;
}

/** Returns the next arrival; undefined after the last one. */
export type Arrivals = () => Arrival | undefined;

/** Random number, uniform in [0, 1). */
export type Random = () => number;

/**
 * Arrivals at equal intervals.
 *
 * @param rate requests per second
 */
export function constantArrivals(rate: number): Arrivals {
  let index = 0;
  // A product, since a sum of a million terms drifts.
  return () => ({ at: index++ / rate });
}

/**
 * Poisson process.
 *
 * @param rate requests per second on average
 * @param random source of randomness
 */
export function poissonArrivals(rate: number, random: Random): Arrivals {
  let at = 0;
  return () => ({ at: at += exponential(rate, random) });
}

/** Parameters of a process with bursts. */
export interface Bursts {
  /** Average rate, requests per second. */
  readonly rate: number;
  /** Rate of bursts over the rate between them. */
  readonly factor: number;
  /** Mean length of a burst, s. */
  readonly burstS: number;
  /** Mean time between two bursts, s. */
  readonly calmS: number;
}

/**
 * Markov-modulated Poisson process (MMPP) with two states, calm and burst, of exponential durations.
 *
 * @param bursts parameters of the states
 * @param random source of randomness
 */
export function burstyArrivals(
  { rate, factor, burstS, calmS }: Bursts,
  random: Random,
): Arrivals {
  const calmRate = rate * (calmS + burstS) / (calmS + factor * burstS);
  const states = [{ rate: calmRate, meanS: calmS }, { rate: calmRate * factor, meanS: burstS }];
  // The initial state follows the stationary distribution.
  let state = random() < burstS / (calmS + burstS) ? 1 : 0;
  let at = 0;
  let until = exponential(1 / states[state]!.meanS, random);
  return () => {
    for (;;) {
      const next = at + exponential(states[state]!.rate, random);
      if (next < until) return { at: at = next };
      // The process is memoryless, so it may restart at the change of state.
      at = until;
      state = 1 - state;
      until += exponential(1 / states[state]!.meanS, random);
    }
  };
}

/**
 * Arrivals at given times.
 *
 * @param arrivals arrivals in order of time
 */
export function replayedArrivals(arrivals: readonly Arrival[]): Arrivals {
  let index = 0;
  return () => arrivals[index++];
}

/** Draws an exponential time. */
function exponential(rate: number, random: Random): number {
  return -Math.log1p(-random()) / rate;
}
