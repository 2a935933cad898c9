/**
 * Leases shared by what expires at about the same time, so that a thousand results a second do not
 * make a thousand leases.
 *
 * @module
 */

import { LeaseLost } from "../cluster.ts";

/** Longest time for which one lease is shared, ms: its keys live that much longer. */
const maxShareMs = 60_000;
/** Shortest such time, ms. */
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
   * @param grant makes a lease, and returns its id
   * @param now monotonic time, ms
   */
  constructor(grant: (ttlSeconds: number) => Promise<string>, now: () => number) {
    this.#grant = grant;
    this.#now = now;
  }

  /**
   * A lease that lives at least as long as asked for.
   *
   * @param ttlMs time to live
   * @returns its id
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
   * Writes with a lease, and once more with a new one where etcd has lost the first with its data.
   *
   * @param ttlMs as in {@link SharedLeases.get}
   * @param write must be harmless to repeat
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
