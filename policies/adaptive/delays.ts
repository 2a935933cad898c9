/**
 * Empirical distribution of delays before executions (waits, starts): no parametric form fits them, and
 * they change quickly, so the last few samples stand for the distribution.
 *
 * @module
 */

/** Number of samples kept. */
const maxSamples = 12;

/** Last samples of one kind of delay. */
export class Delays {
  readonly #samples: number[] = [];
  #next = 0;

  /** Adds a sample, ms. */
  add(ms: number): void {
    this.#samples[this.#next] = ms;
    this.#next = (this.#next + 1) % maxSamples;
  }

  /** Number of samples. */
  get count(): number {
    return this.#samples.length;
  }

  /** Mean, ms; the prior if there are no samples. */
  mean(prior: number): number {
    return this.expectation((ms) => ms, prior);
  }

  /**
   * Expectation of a function of the delay. Below three samples the prior counts as one more.
   *
   * @param prior delay assumed without samples, ms; NaN if none
   */
  expectation(of: (ms: number) => number, prior: number): number {
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
