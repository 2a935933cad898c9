/**
 * Starts as many instances for queued requests as shorten their wait.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Pool } from "../pool/pool.ts";
import type { Invocation } from "./invocation.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** Dependencies and settings of {@link ScaleUp}. */
export interface ScaleUpOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly pool: Pool;
  readonly queue: WaitQueue<Invocation>;
}

/** Scales functions up to the length of their queues. */
export class ScaleUp {
  readonly #options: ScaleUpOptions;
  /** Function versions that a check is scheduled for. */
  readonly #scheduled = new Set<string>();

  /** Creates a control that starts nothing until it is notified. */
  constructor(options: ScaleUpOptions) {
    this.#options = options;
  }

  /**
   * Starts instances for queued requests that no pending start will serve, if that shortens their
   * wait.
   */
  scale(record: FunctionRecord): void {
    const { clock, pool, queue } = this.#options;
    for (;;) {
      const waiting = queue.count(record.version);
      if (waiting <= pool.startingSlots(record)) return;
      const waitedMs = clock.now() - queue.first(record.version)!.arrivedAt;
      const decision = pool.needsMore(record, waiting, waitedMs);
      if (decision !== true) return this.#scaleLater(record, decision);
      if (!pool.tryStart(record)) return;
    }
  }

  /** Schedules another check in case the queue moves more slowly than expected; one at a time. */
  #scaleLater(record: FunctionRecord, delayMs: number): void {
    const { clock, deadlines } = this.#options;
    const { version } = record;
    if (this.#scheduled.has(version)) return;
    this.#scheduled.add(version);
    deadlines.set(clock.now() + delayMs, () => {
      this.#scheduled.delete(version);
      this.scale(record);
    });
  }
}
