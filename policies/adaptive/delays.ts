/**
 * Times before executions (waits, starts), as the last few samples: their distribution has no form
 * that could be assumed, and changes from one moment to the next.
 *
 * @module
 */

/** How many samples are kept. */
const kept = 12;

/** The last few samples of one kind of delay. */
export class Delays {
  readonly #samples: number[] = [];
  #next = 0;

  /** Takes a sample in, ms. */
  add(ms: number): void {
    this.#samples[this.#next] = ms;
    this.#next = (this.#next + 1) % kept;
  }

  /** How many there are. */
  get count(): number {
    return this.#samples.length;
  }

  /** Their mean, ms; the prior where there are none. */
  mean(prior: number): number {
    return this.expected((ms) => ms, prior);
  }

  /**
   * Mean of a function of the delay. The prior counts as one sample more.
   *
   * @param of the function
   * @param prior what is believed without samples, ms; NaN: nothing
   */
  expected(of: (ms: number) => number, prior: number): number {
    let sum = 0;
    let count = 0;
    for (const ms of this.#samples) {
      sum += of(ms);
      count++;
    }
    if (count === 0 || (count < 3 && !Number.isNaN(prior))) {
      sum += of(Number.isNaN(prior) ? 0 : prior);
      count++;
    }
    return sum / count;
  }
}
