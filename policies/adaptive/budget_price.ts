/**
 * Dual variable of the cloud's budget: the utility that a unit of cost must bring. It is estimated as the
 * price at which the last requests would have spent what accrued meanwhile.
 *
 * @module
 */

const hourMs = 3_600_000;
/** Initial balance, seconds of the budget. */
const initialS = 60;
/** Maximum balance, seconds of the budget. */
const maxSavedS = 3600;
/** Target balance, seconds of the budget: enough for a burst. */
const targetS = 60;
/** Least target balance, in mean costs of a request. */
const targetCosts = 2;
/** Factor that lets requests at the margin pass while the balance covers them. */
const marginal = 0.98;
/** Time in which a surplus or deficit is settled, s. */
const balanceS = 60;
/** Number of requests considered. */
const window = 400;
/** Number of requests between two updates of the price. */
const refreshEvery = 25;

/** A request that could have gone to the cloud. */
interface Candidate {
  readonly at: number;
  /** Utility per unit of cost. */
  readonly gain: number;
  readonly cost: number;
}

/** Budget with its dual price. */
export class BudgetPrice {
  readonly #perHour: number;
  readonly #candidates: Candidate[] = [];
  #next = 0;
  #fresh = 0;
  #price = 0;
  #balance: number;
  #at: number;
  #spent = 0;

  /**
   * Creates a budget that accrues from now on and starts with the share of a minute.
   *
   * @param perHour budget per hour; infinite if unlimited
   * @param now monotonic time, ms
   */
  constructor(perHour: number, now: number) {
    this.#perHour = perHour;
    this.#balance = perHour * initialS / 3600;
    this.#at = now;
  }

  /** Utility that a unit of cost must bring. */
  get price(): number {
    return this.#price;
  }

  /** Total cost so far. */
  get spent(): number {
    return this.#spent;
  }

  /** Unspent part of the budget. */
  get balance(): number {
    return this.#balance;
  }

  /** Whether the balance covers a cost. */
  covers(cost: number, now: number): boolean {
    if (this.#perHour === Infinity) return true;
    const accrued = this.#perHour * (now - this.#at) / hourMs;
    this.#balance = Math.min(this.#perHour * maxSavedS / 3600, this.#balance + accrued);
    this.#at = now;
    return cost <= this.#balance;
  }

  /** Spends a cost; a negative one corrects an estimate that was too high. */
  spend(cost: number): void {
    this.#spent += cost;
    if (this.#perHour !== Infinity) this.#balance -= cost;
  }

  /**
   * Records a request that could go to the cloud.
   *
   * @param gain utility in the cloud minus utility elsewhere
   * @param now monotonic time, ms
   */
  recordCandidate(gain: number, cost: number, now: number): void {
    if (this.#perHour === Infinity || !(cost > 0)) return;
    this.#candidates[this.#next] = { at: now, gain: gain / cost, cost };
    this.#next = (this.#next + 1) % window;
    if (++this.#fresh >= refreshEvery) this.#refresh(now);
  }

  #refresh(now: number): void {
    this.#fresh = 0;
    const oldest = this.#candidates.length < window
      ? this.#candidates[0]!
      : this.#candidates[this.#next]!;
    const spanMs = now - oldest.at;
    const perMs = this.#perHour / hourMs;
    const meanCost = this.#candidates.reduce((sum, { cost }) => sum + cost, 0) /
      this.#candidates.length;
    const surplus = this.#balance - Math.max(perMs * targetS * 1000, targetCosts * meanCost);
    let left = spanMs * Math.max(0, perMs + surplus / (balanceS * 1000));
    const byGain = this.#candidates.filter(({ gain }) => gain > 0).sort((a, b) => b.gain - a.gain);
    this.#price = 0;
    for (const { gain, cost } of byGain) {
      left -= cost;
      if (left >= 0) continue;
      this.#price = marginal * gain;
      return;
    }
  }
}
