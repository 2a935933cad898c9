/**
 * Keeps the pool tidy: removes what has been idle for too long, starts what `MinInstances` lacks, and
 * what requests are expected for.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { asServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { Pool } from "../pool.ts";
import type { Rests } from "./rests.ts";

/** How often `MinInstances` is looked after, ms: so soon is a lost instance replaced. */
const keepMs = 2_000;
/** How often is looked for functions that a request is expected for, ms. */
const expectMs = 1_000;
/** Most instances that are started ahead at once: requests that wait for theirs share the turns. */
const maxAhead = 2;
/** Longest wait after starts that failed again and again, ms. */
const maxBackOffMs = 300_000;

const log = logger("pool");

/** What a janitor works with. */
export interface JanitorOptions {
  /** What it keeps tidy. */
  readonly pool: Pick<Pool, "expire" | "keepMinimum" | "has" | "prewarm">;
  /** The node's clock. */
  readonly clock: Clock;
  /** How often expired instances are removed, ms. */
  readonly intervalMs: number;
  /** How long idle instances are kept. */
  readonly keepAlive: KeepAlive;
  /** When functions rest; absent where the policy starts nothing ahead. */
  readonly rests?: Rests;
}

/** A function with `MinInstances`. */
interface Kept {
  readonly record: FunctionRecord;
  /** Not before this time, after a start that failed. */
  notBefore: number;
  /** The wait after the next failure. */
  backOffMs: number;
  /** True while starts are under way, which may take longer than until the next look. */
  isStarting: boolean;
  /** Until then instances that were started must live for the wait to be short again. */
  trialEnds: number;
  /** How many there was no memory for. */
  lacking: number;
}

/** The janitor of a pool. */
export class Janitor implements Disposable {
  readonly #options: JanitorOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #timers = new Map<string, () => void>();
  /** Instances that are being started ahead. */
  #ahead = 0;

  /** A janitor at work. */
  constructor(options: JanitorOptions) {
    this.#options = options;
    const { pool, keepAlive, rests } = options;
    this.#repeat("expire", options.intervalMs, () => {
      pool.expire((name) => keepAlive.windows(name));
    });
    if (rests) this.#repeat("expect", expectMs, () => this.#expect(rests));
    this.#repeat("keep", keepMs, () => {
      for (const kept of this.#kept.values()) void this.#keep(kept);
    });
  }

  /**
   * A function was created, updated or deleted.
   *
   * @param record undefined if it is gone
   */
  changed(name: string, record: FunctionRecord | undefined): void {
    this.#options.rests?.changed(name, record);
    this.#kept.delete(name);
    if (!record || record.MinInstances <= 0) return;
    const kept = {
      record,
      notBefore: 0,
      backOffMs: keepMs,
      isStarting: false,
      trialEnds: 0,
      lacking: 0,
    };
    this.#kept.set(name, kept);
    void this.#keep(kept);
  }

  /** What keeps it from what it should keep, for people. */
  problems(): string[] {
    return [...this.#kept.values()].filter(({ lacking }) => lacking > 0).map(
      ({ record: { Name, MinInstances }, lacking }) =>
        `${Name}: no memory for ${lacking} of its ${MinInstances} MinInstances`,
    );
  }

  /** Stops. */
  [Symbol.dispose](): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async #keep(kept: Kept): Promise<void> {
    const { pool, clock } = this.#options;
    const { record } = kept;
    if (kept.isStarting || clock.now() < kept.notBefore) return;
    kept.isStarting = true;
    try {
      const { missing, started } = await pool.keepMinimum(record);
      kept.lacking = missing - started;
      if (started > 0) kept.trialEnds = clock.now() + kept.backOffMs;
      else if (missing === 0 && clock.now() >= kept.trialEnds) kept.backOffMs = keepMs;
    } catch (error) {
      if (this.#kept.get(record.Name) !== kept) return; // replaced meanwhile
      kept.notBefore = clock.now() + kept.backOffMs;
      log.warn("Cannot keep {min} of {name} warm; trying again in {seconds} s: {error}", {
        min: record.MinInstances,
        name: record.Name,
        seconds: kept.backOffMs / 1000,
        error: asServerledgeError(error).message,
      });
      kept.backOffMs = Math.min(2 * kept.backOffMs, maxBackOffMs);
    } finally {
      kept.isStarting = false;
    }
  }

  /** Starts an instance of each function that a request is expected for and that has none. */
  #expect(rests: Rests): void {
    for (const record of rests.takeDue(maxAhead - this.#ahead)) {
      if (!this.#options.pool.has(record)) void this.#startAhead(record);
    }
  }

  async #startAhead(record: FunctionRecord): Promise<void> {
    this.#ahead++;
    try {
      await this.#options.pool.prewarm(record, 1, { expected: true });
    } catch (error) {
      log.warn("Cannot start an instance of {name} ahead of the next request: {error}", {
        name: record.Name,
        error: asServerledgeError(error).message,
      });
    } finally {
      this.#ahead--;
    }
  }

  #repeat(name: string, everyMs: number, action: () => void): void {
    const turn = () => {
      action();
      this.#timers.set(name, this.#options.clock.after(everyMs, turn));
    };
    this.#timers.set(name, this.#options.clock.after(everyMs, turn));
  }
}
