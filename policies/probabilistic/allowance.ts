/**
 * Money for the cloud, as it accrues.
 *
 * @module
 */

const hourMs = 3_600_000;

/** What is in hand at the start, as a share of an hour's budget. */
const startShare = 1 / 60;

/** A budget per hour that accrues steadily, and of which an hour's worth can be saved at most. */
export class Allowance {
  readonly #perHour: number;
  readonly #now: () => number;
  #inHand: number;
  #at: number;

  /**
   * An allowance that begins now.
   *
   * @param perHour the budget; infinite: no limit
   * @param now monotonic time, ms
   */
  constructor(perHour: number, now: () => number) {
    this.#perHour = perHour;
    this.#now = now;
    this.#inHand = perHour * startShare;
    this.#at = now();
  }

  /**
   * True if it suffices.
   *
   * @param cost of what is to be bought
   */
  covers(cost: number): boolean {
    if (this.#perHour === Infinity) return true;
    const now = this.#now();
    const accrued = this.#perHour * (now - this.#at) / hourMs;
    this.#inHand = Math.min(this.#perHour, this.#inHand + accrued);
    this.#at = now;
    return cost <= this.#inHand;
  }

  /** Spends what {@link Allowance.covers} found covered. */
  spend(cost: number): void {
    this.#inHand -= cost;
  }
}
