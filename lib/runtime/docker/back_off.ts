/**
 * How long to leave something alone that did not work out.
 *
 * @module
 */

/** First wait, ms; each doubles the one before. */
const firstMs = 1_000;
/** Longest wait, ms. */
const maxMs = 300_000;

/** Waits that grow with each failure until something works out. */
export class BackOff {
  #waitMs = firstMs;
  #until = -Infinity;

  /**
   * It did not work out.
   *
   * @param now on some clock, ms
   * @returns how long to leave it alone, ms
   */
  failed(now: number): number {
    const wait = this.#waitMs;
    this.#until = now + wait;
    this.#waitMs = Math.min(2 * wait, maxMs);
    return wait;
  }

  /** It worked out. */
  succeeded(): void {
    this.#waitMs = firstMs;
  }

  /**
   * True while it is to be left alone.
   *
   * @param now on the same clock, ms
   */
  holds(now: number): boolean {
    return now < this.#until;
  }
}
