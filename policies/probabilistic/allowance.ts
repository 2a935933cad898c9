/**
 * Budget for the cloud as it accrues.
 *
 * @module
 */

const hourMs = 3_600_000;

/** Initial balance as a share of an hour's budget. */
const startShare = 1 / 60;

/** Budget per hour that accrues steadily; at most an hour's budget is saved. */
export class Allowance {
  readonly #perHour: number;
  readonly #now: () => number;
  #balance: number;
  #at: number;

  /**
   * Creates a budget that accrues from now on and starts with the share of a minute.
   *
   * @param perHour budget per hour; infinite if unlimited
   * @param now monotonic time, ms
   */
  constructor(perHour: number, now: () => number) {
    this.#perHour = perHour;
    this.#now = now;
    this.#balance = perHour * startShare;
    this.#at = now();
  }

  /** Whether the balance covers a cost. */
  covers(cost: number): boolean {
    if (this.#perHour === Infinity) return true;
    const now = this.#now();
    const accrued = this.#perHour * (now - this.#at) / hourMs;
    this.#balance = Math.min(this.#perHour, this.#balance + accrued);
    this.#at = now;
    return cost <= this.#balance;
  }

  /** Spends a cost that {@link Allowance.covers} accepted. */
  spend(cost: number): void {
    this.#balance -= cost;
  }
}
