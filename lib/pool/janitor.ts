/**
 * Keeps the pool tidy: removes what has been idle for too long, starts what `MinInstances` lacks.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Pool } from "./pool.ts";

/** How often `MinInstances` is looked after, ms: so soon is a lost instance replaced. */
const keepMs = 2_000;

/** What a janitor works with. */
export interface JanitorOptions {
  /** What it keeps tidy. */
  readonly pool: Pool;
  /** The node's clock. */
  readonly clock: Clock;
  /** How often expired instances are removed, ms. */
  readonly intervalMs: number;
  /** How long an idle instance is kept, ms. */
  readonly idleMs: number;
}

/** The janitor of a pool. */
export class Janitor implements Disposable {
  readonly #options: JanitorOptions;
  readonly #kept = new Map<string, FunctionRecord>();
  readonly #timers = new Map<string, () => void>();

  /** A janitor at work. */
  constructor(options: JanitorOptions) {
    this.#options = options;
    this.#repeat("expire", options.intervalMs, () => options.pool.expire(options.idleMs));
    this.#repeat("keep", keepMs, () => this.#keep());
  }

  /**
   * A function was created, updated or deleted.
   *
   * @param record undefined if it is gone
   */
  changed(name: string, record: FunctionRecord | undefined): void {
    if (!record || record.MinInstances <= 0) {
      this.#kept.delete(name);
      return;
    }
    this.#kept.set(name, record);
    this.#options.pool.keepMinimum(record);
  }

  /** Stops. */
  [Symbol.dispose](): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #keep(): void {
    for (const record of this.#kept.values()) this.#options.pool.keepMinimum(record);
  }

  #repeat(name: string, everyMs: number, action: () => void): void {
    const turn = () => {
      action();
      this.#timers.set(name, this.#options.clock.after(everyMs, turn));
    };
    this.#timers.set(name, this.#options.clock.after(everyMs, turn));
  }
}
