/**
 * Slows down clients that try keys.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";

/** Attempts of one address that are answered at once. */
const burst = 20;
/** Attempts per second after these. */
const perSecond = 1;
/** Maximum number of addresses that are remembered. */
const maxAddresses = 4096;

/** Counts failed attempts by address. */
export class FailedAttempts {
  readonly #clock: Pick<Clock, "now">;
  /** When the attempts of an address are forgotten, if there are no others, ms. */
  readonly #until = new Map<string, number>();

  /** Creates an empty table. */
  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /**
   * Records a failed attempt.
   *
   * @throws `QUOTA_EXCEEDED` after too many of the address
   */
  add(address: string): void {
    this.#check(address);
    const now = this.#clock.now();
    const until = Math.max(this.#until.get(address) ?? 0, now) + 1000 / perSecond;
    // The most recent addresses are at the end.
    this.#until.delete(address);
    this.#until.set(address, until);
    for (const [oldest, end] of this.#until) {
      if (end > now && this.#until.size <= maxAddresses) break;
      this.#until.delete(oldest);
    }
  }

  #check(address: string): void {
    const aheadMs = (this.#until.get(address) ?? 0) - this.#clock.now();
    const allowedMs = (burst / perSecond) * 1000;
    if (aheadMs < allowedMs) return;
    const retryAfterS = Math.max(1, Math.ceil((aheadMs - allowedMs) / 1000));
    throw new ServerledgeError(
      "QUOTA_EXCEEDED",
      `Too many invalid keys from ${address}: try again in ${retryAfterS} s with a valid key`,
      { details: { retryAfterS } },
    );
  }
}
