/**
 * Starts instances for requests that wait, as many as shorten their wait.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Pool } from "../pool/pool.ts";
import type { Invocation } from "./invocation.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** What scaling up needs. */
export interface ScaleUpOptions {
  /** The node's clock. */
  readonly clock: Clock;
  /** Deadlines on that clock. */
  readonly deadlines: Deadlines;
  /** The node's instances. */
  readonly pool: Pool;
  /** Requests that wait. */
  readonly queue: WaitQueue<Invocation>;
}

/** Scales functions up. */
export class ScaleUp {
  readonly #options: ScaleUpOptions;
  /** Function versions that will be looked at again. */
  readonly #scheduled = new Set<string>();

  /** Starts nothing until it is told to. */
  constructor(options: ScaleUpOptions) {
    this.#options = options;
  }

  /** Starts instances for requests that no start under way will serve, if it helps them. */
  provision(record: FunctionRecord): void {
    const { clock, pool, queue } = this.#options;
    for (;;) {
      const waiting = queue.count(record.Version);
      if (waiting <= pool.startingSlots(record)) return;
      const waitedMs = clock.now() - queue.first(record.Version)!.arrivedAt;
      const verdict = pool.needsMore(record, waiting, waitedMs);
      if (verdict !== true) return this.#provisionLater(record, verdict);
      if (!pool.tryStart(record)) return;
    }
  }

  /** Looks again in case the queue does not move as expected; once at a time. */
  #provisionLater(record: FunctionRecord, delayMs: number): void {
    const { clock, deadlines } = this.#options;
    const { Version: version } = record;
    if (this.#scheduled.has(version)) return;
    this.#scheduled.add(version);
    deadlines.set(clock.now() + delayMs, () => {
      this.#scheduled.delete(version);
      this.provision(record);
    });
  }
}
