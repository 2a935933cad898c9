/**
 * Leases shared by keys that expire at about the same time. Without sharing, a thousand results a second
 * would need a thousand leases.
 *
 * @module
 */

import { LeaseLost } from "../cluster.ts";

/** Maximum time for which one lease is shared, ms; its keys live up to that much longer. */
const maxShareMs = 60_000;
/** Minimum time for which one lease is shared, ms. */
const minShareMs = 1000;

/** A shared lease and the end of its use. */
interface Shared {
  readonly lease: Promise<string>;
  readonly until: number;
}

/** Shares leases by time to live. */
export class SharedLeases {
  readonly #byTtl = new Map<number, Shared>();
  readonly #grant: (ttlSeconds: number) => Promise<string>;
  readonly #now: () => number;

  /**
   * Creates an empty set of leases.
   *
   * @param grant grants a lease, and returns its id
   * @param now monotonic time, ms
   */
  constructor(grant: (ttlSeconds: number) => Promise<string>, now: () => number) {
    this.#grant = grant;
    this.#now = now;
  }

  /**
   * Returns a lease that lives at least for the given time.
   *
   * @param ttlMs time to live
   * @returns the id of the lease
   */
  get(ttlMs: number): Promise<string> {
    const now = this.#now();
    for (const [ttl, { until }] of this.#byTtl) if (until <= now) this.#byTtl.delete(ttl);
    const known = this.#byTtl.get(ttlMs);
    if (known) return known.lease;
    const shareMs = Math.min(maxShareMs, Math.max(minShareMs, ttlMs / 10));
    const lease = this.#grant(Math.ceil((ttlMs + shareMs) / 1000));
    const shared = { lease, until: now + shareMs };
    this.#byTtl.set(ttlMs, shared);
    lease.catch(() => {
      if (this.#byTtl.get(ttlMs) === shared) this.#byTtl.delete(ttlMs);
    });
    return lease;
  }

  /**
   * Writes with a lease, and once more with a new lease if etcd has lost the first one with its data.
   *
   * @param ttlMs time to live, as in {@link SharedLeases.get}
   * @param write writes the keys; must be safe to repeat
   */
  async use(ttlMs: number, write: (lease: string) => Promise<void>): Promise<void> {
    try {
      await write(await this.get(ttlMs));
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      this.clear();
      await write(await this.get(ttlMs));
    }
  }

  /** Drops all leases, since etcd has lost one. */
  clear(): void {
    this.#byTtl.clear();
  }
}
