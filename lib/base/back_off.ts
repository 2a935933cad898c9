/**
 * Exponential back-off.
 *
 * @module
 */

/** Waits that double with each failure, up to a maximum. */
export class BackOff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #waitMs: number;

  /**
   * Creates a back-off without failures.
   *
   * @param firstMs wait after the first failure, ms
   * @param maxMs longest wait, ms
   */
  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = this.#waitMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** Wait after the next failure, ms. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /**
   * Records a failure.
   *
   * @returns wait before the next attempt, ms
   */
  failed(): number {
    const wait = this.#waitMs;
    this.#waitMs = Math.min(2 * wait, this.#maxMs);
    return wait;
  }

  /** Records a success: the next wait is the first one again. */
  succeeded(): void {
    this.#waitMs = this.#firstMs;
  }
}
