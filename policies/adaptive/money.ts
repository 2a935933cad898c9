/**
 * What the cloud may cost, as a price: how much utility a unit of money must bring. The price is the
 * one at which the requests of the last while would have spent what accrued meanwhile; it is the
 * dual variable of the budget, estimated from samples.
 *
 * @module
 */

const hourMs = 3_600_000;
/** What is in hand at the start, s of the budget. */
const startS = 60;
/** What may be saved up, s of the budget. */
const mostS = 3600;
/** What should be in hand, s of the budget: enough for a burst. */
const wantedS = 60;
/** What should be in hand at least, in costs of one request. */
const wantedCosts = 2;
/** Those at the margin pass as long as there is money. */
const marginal = 0.98;
/** How fast a surplus or lack is to be spent or made up, s. */
const balanceS = 60;
/** How many of the last requests count. */
const window = 400;
/** After so many requests the price is computed anew. */
const refreshEvery = 25;

/** A request that might have gone to the cloud. */
interface Chance {
  readonly at: number;
  /** Utility per unit of money. */
  readonly gain: number;
  readonly cost: number;
}

/** A budget with its price. */
export class Money {
  readonly #perHour: number;
  readonly #chances: Chance[] = [];
  #next = 0;
  #fresh = 0;
  #price = 0;
  #inHand: number;
  #at: number;
  #spent = 0;

  /**
   * A budget that accrues from now on.
   *
   * @param perHour the budget; infinite: no limit
   * @param now monotonic time, ms
   */
  constructor(perHour: number, now: number) {
    this.#perHour = perHour;
    this.#inHand = perHour * startS / 3600;
    this.#at = now;
  }

  /** Utility that a unit of money must bring. */
  get price(): number {
    return this.#price;
  }

  /** What was spent in all. */
  get spent(): number {
    return this.#spent;
  }

  /** What is in hand. */
  get inHand(): number {
    return this.#inHand;
  }

  /** True if that much is in hand. */
  covers(cost: number, now: number): boolean {
    if (this.#perHour === Infinity) return true;
    const accrued = this.#perHour * (now - this.#at) / hourMs;
    this.#inHand = Math.min(this.#perHour * mostS / 3600, this.#inHand + accrued);
    this.#at = now;
    return cost <= this.#inHand;
  }

  /** Spends; or takes back, where less was spent than was expected. */
  spend(cost: number): void {
    this.#spent += cost;
    if (this.#perHour !== Infinity) this.#inHand -= cost;
  }

  /**
   * A request might go to the cloud.
   *
   * @param gain utility that it would bring there beyond what it brings elsewhere
   * @param cost what it would cost
   * @param now monotonic time, ms
   */
  consider(gain: number, cost: number, now: number): void {
    if (this.#perHour === Infinity || !(cost > 0)) return;
    this.#chances[this.#next] = { at: now, gain: gain / cost, cost };
    this.#next = (this.#next + 1) % window;
    if (++this.#fresh >= refreshEvery) this.#refresh(now);
  }

  #refresh(now: number): void {
    this.#fresh = 0;
    const oldest = this.#chances.length < window ? this.#chances[0]! : this.#chances[this.#next]!;
    const spanMs = now - oldest.at;
    const perMs = this.#perHour / hourMs;
    const meanCost = this.#chances.reduce((sum, { cost }) => sum + cost, 0) / this.#chances.length;
    const surplus = this.#inHand - Math.max(perMs * wantedS * 1000, wantedCosts * meanCost);
    let left = spanMs * Math.max(0, perMs + surplus / (balanceS * 1000));
    const byGain = this.#chances.filter(({ gain }) => gain > 0).sort((a, b) => b.gain - a.gain);
    this.#price = 0;
    for (const { gain, cost } of byGain) {
      left -= cost;
      if (left >= 0) continue;
      this.#price = marginal * gain;
      return;
    }
  }
}
