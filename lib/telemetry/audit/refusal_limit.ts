/**
 * Bounds the records of refused requests, so that no client can fill the audit record or push others out of it.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** Records that are kept at once, and the time after which there is another one, ms. */
interface Bucket {
  readonly burst: number;
  readonly intervalMs: number;
}

const ofAddress: Bucket = { burst: 20, intervalMs: 10_000 };
const ofAll: Bucket = { burst: 500, intervalMs: 2_000 };
/** Maximum number of addresses that are remembered. */
const maxAddresses = 4096;
/** Maximum number of addresses in a summary. */
const maxNamed = 10;

/** Refused requests that were not recorded. */
export interface Omitted {
  readonly count: number;
  /** Some of their addresses. */
  readonly addresses: readonly string[];
}

/** Decides which refused requests are recorded. */
export class RefusalLimit {
  readonly #clock: Pick<Clock, "now">;
  /** Times at which buckets that are emptied now would be full, ms (GCRA); the most recent at the end. */
  readonly #fullAt = new Map<string, number>();
  #allFullAt = 0;
  #omitted = 0;
  readonly #addresses = new Set<string>();

  /** Creates a limit. */
  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Returns whether to record a refused request of an address; counts it otherwise. */
  admits(address: string): boolean {
    const now = this.#clock.now();
    const fullAt = Math.max(this.#fullAt.get(address) ?? 0, now) + ofAddress.intervalMs;
    const allFullAt = Math.max(this.#allFullAt, now) + ofAll.intervalMs;
    if (!fits(fullAt - now, ofAddress) || !fits(allFullAt - now, ofAll)) {
      this.#omitted++;
      if (this.#addresses.size < maxNamed) this.#addresses.add(address);
      return false;
    }
    this.#allFullAt = allFullAt;
    this.#fullAt.delete(address);
    this.#fullAt.set(address, fullAt);
    for (const [oldest, end] of this.#fullAt) {
      if (end > now && this.#fullAt.size <= maxAddresses) break;
      this.#fullAt.delete(oldest);
    }
    return true;
  }

  /** Returns what was not recorded since the last call; undefined if nothing. */
  takeOmitted(): Omitted | undefined {
    if (this.#omitted === 0) return undefined;
    const omitted = { count: this.#omitted, addresses: [...this.#addresses] };
    this.#omitted = 0;
    this.#addresses.clear();
    return omitted;
  }
}

function fits(takenMs: number, { burst, intervalMs }: Bucket): boolean {
  return takenMs <= burst * intervalMs;
}
