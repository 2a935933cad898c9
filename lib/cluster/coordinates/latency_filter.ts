/**
 * The moving percentile of one peer's round trips: single ones say little, since a busy processor
 * or a full queue on the way can make any of them ten times as long.
 *
 * @see Ledlie, Gardner, Seltzer: Network Coordinates in the Wild, NSDI 2007, section 4
 * @module
 */

/** Round trips that count: 4 follow changes quickly and still drop spikes (Ledlie et al.). */
const window = 4;
/** Which of them counts, as a share of the window: the 25th percentile (Ledlie et al.). */
const percentile = 0.25;

/** Filters the round trips to one peer. */
export class LatencyFilter {
  readonly #samples: number[] = [];
  #value = NaN;

  /**
   * Takes a round trip in.
   *
   * @param rttMs as measured
   * @returns what to take for it
   */
  add(rttMs: number): number {
    this.#samples.push(rttMs);
    if (this.#samples.length > window) this.#samples.shift();
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return this.#value = sorted[Math.ceil(percentile * sorted.length) - 1]!;
  }

  /** The expected round trip, ms; NaN before the first. */
  get value(): number {
    return this.#value;
  }
}
