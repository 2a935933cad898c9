/**
 * Moving percentile of the round trips to one peer. Single measurements are unreliable, since a
 * busy processor or a full queue on the path can make any of them ten times as long.
 *
 * @see Ledlie, Gardner, Seltzer: Network Coordinates in the Wild, NSDI 2007, section 4
 * @module
 */

/** Samples in the window: 4 follow changes quickly and still drop spikes (Ledlie et al.). */
const window = 4;
/** Percentile that is reported, as a share: the 25th (Ledlie et al.). */
const percentile = 0.25;

/** Filters the round trips to one peer. */
export class LatencyFilter {
  readonly #samples: number[] = [];
  #value = NaN;

  /**
   * Adds a measured round trip, ms.
   *
   * @returns the filtered round trip, ms
   */
  add(rttMs: number): number {
    this.#samples.push(rttMs);
    if (this.#samples.length > window) this.#samples.shift();
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return this.#value = sorted[Math.ceil(percentile * sorted.length) - 1]!;
  }

  /** The filtered round trip, ms; NaN without samples. */
  get value(): number {
    return this.#value;
  }
}
