/**
 * Quotas of a key on one node: rate, invocations in progress, and the memory of their functions.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { quantity } from "../base/quantity.ts";
import { type Grant, granteeOf } from "./key.ts";

/** Counts the invocations of one key. */
export class KeyMeter {
  readonly #clock: Pick<Clock, "now">;
  #grant: Grant;
  /** Time at which a bucket of tokens that is emptied now would be full, ms (GCRA). */
  #fullAt = 0;
  #inProgress = 0;
  #memoryMib = 0;

  /** Creates a meter without invocations. */
  constructor(grant: Grant, clock: Pick<Clock, "now">) {
    this.#grant = grant;
    this.#clock = clock;
  }

  /** Returns whether a grant has a quota. */
  static isNeeded({ rate, concurrency, memoryMib }: Grant): boolean {
    return rate > 0 || concurrency > 0 || memoryMib > 0;
  }

  /** True if it would count the same after a restart. */
  get isIdle(): boolean {
    return this.#inProgress === 0 && this.#fullAt <= this.#clock.now();
  }

  /** Replaces the quotas; invocations in progress stay counted. */
  set grant(grant: Grant) {
    this.#grant = grant;
  }

  /**
   * Begins an invocation.
   *
   * @param memoryMib memory of an instance of the function
   * @returns ends it when disposed, once
   * @throws `QUOTA_EXCEEDED`, which names the quota; `FORBIDDEN` if the memory quota never permits the function
   */
  begin(memoryMib: number): Disposable {
    const { concurrency, memoryMib: maxMemoryMib } = this.#grant;
    if (concurrency > 0 && this.#inProgress >= concurrency) {
      throw exceeded(
        this.#grant,
        "concurrency",
        `${quantity(concurrency, "invocation")} in progress`,
      );
    }
    if (maxMemoryMib > 0 && memoryMib > maxMemoryMib) {
      throw tooLarge(this.#grant, memoryMib, maxMemoryMib);
    }
    if (maxMemoryMib > 0 && this.#memoryMib + memoryMib > maxMemoryMib) {
      const what =
        `${maxMemoryMib} MiB, of which ${this.#memoryMib} are in use and the function needs ${memoryMib}`;
      throw exceeded(this.#grant, "memory", what);
    }
    this.#takeToken();
    this.#inProgress++;
    this.#memoryMib += memoryMib;
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#inProgress--;
        this.#memoryMib -= memoryMib;
      },
    };
  }

  #takeToken(): void {
    const { rate, burst } = this.#grant;
    if (rate <= 0) return;
    const now = this.#clock.now();
    const tokenMs = 1000 / rate;
    const capacityMs = tokenMs * Math.max(1, burst || Math.floor(rate));
    const fullAt = Math.max(this.#fullAt, now) + tokenMs;
    const excessMs = fullAt - now - capacityMs;
    // A microsecond absorbs rounding.
    if (excessMs > 0.001) {
      throw exceeded(this.#grant, "rate", `${rate} invocations/s`, excessMs / 1000);
    }
    this.#fullAt = fullAt;
  }
}

function tooLarge(grant: Grant, memoryMib: number, maxMemoryMib: number): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `The memory quota of ${
      granteeOf(grant)
    } (${maxMemoryMib} MiB) is smaller than the memory of the function ` +
      `(${memoryMib} MiB): give the function less, or ask an admin for a key with more`,
    { details: { key: grant.name, quota: "memory" } },
  );
}

function exceeded(grant: Grant, quota: string, limit: string, retryAfterS = 1): ServerledgeError {
  return new ServerledgeError(
    "QUOTA_EXCEEDED",
    `The ${quota} quota of ${
      granteeOf(grant)
    } on this node is used up (${limit}): try again later, or ask an admin for more`,
    { details: { quota, retryAfterS: Math.ceil(retryAfterS) } },
  );
}
