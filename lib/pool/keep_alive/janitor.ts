/**
 * Janitor of the pool: expires idle instances, maintains `MinInstances` and pre-warms functions.
 *
 * @module
 */

import { BackOff } from "../../base/back_off.ts";
import type { Clock } from "../../base/clock.ts";
import { asServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { Pool } from "../pool.ts";
import type { IdleTimes } from "./idle_times.ts";

/** Interval of checks of `MinInstances`, ms: the delay until a terminated instance is replaced. */
const minimumCheckMs = 2_000;
/** Interval of checks for functions to pre-warm, ms. */
const preWarmCheckMs = 1_000;
/** Maximum number of concurrent pre-warm starts: they share the turns with starts on demand. */
const maxPreWarming = 2;
/** Maximum back-off after failed starts, ms. */
const maxBackOffMs = 300_000;

const log = logger("pool");

/** Dependencies of a janitor. */
export interface JanitorOptions {
  /** Pool to maintain. */
  readonly pool: Pick<Pool, "expire" | "keepMinimum" | "has" | "prewarm">;
  readonly clock: Clock;
  /** Interval at which expired instances are removed, ms. */
  readonly intervalMs: number;
  /** Policy that decides how long idle instances are kept. */
  readonly keepAlive: KeepAlive;
  /** Idle times of functions; omitted if the policy does not pre-warm. */
  readonly idleTimes?: IdleTimes;
}

/** State of a function with `MinInstances`. */
interface Minimum {
  readonly record: FunctionRecord;
  /** Earliest time of the next start, after a failure. */
  notBefore: number;
  /** Waits after failures. */
  readonly backOff: BackOff;
  /** True while starts are pending, which may outlast the interval. */
  isStarting: boolean;
  /** Time until which new instances must survive to reset the back-off. */
  trialEnds: number;
  /** Number of instances that lacked memory. */
  lacking: number;
}

/** Janitor of a pool. */
export class Janitor implements Disposable {
  readonly #options: JanitorOptions;
  readonly #minimums = new Map<string, Minimum>();
  readonly #timers = new Map<string, () => void>();
  /** Number of pending pre-warm starts. */
  #preWarming = 0;

  /** Starts the periodic checks, the first after one interval. */
  constructor(options: JanitorOptions) {
    this.#options = options;
    const { pool, keepAlive, idleTimes } = options;
    this.#repeat("expire", options.intervalMs, () => {
      pool.expire((name) => keepAlive.windows(name));
    });
    if (idleTimes) this.#repeat("pre-warm", preWarmCheckMs, () => this.#preWarmDue(idleTimes));
    this.#repeat("minimum", minimumCheckMs, () => {
      for (const minimum of this.#minimums.values()) void this.#keepMinimum(minimum);
    });
  }

  /**
   * Follows the creation, update or deletion of a function.
   *
   * @param record undefined if the function was deleted
   */
  changed(name: string, record: FunctionRecord | undefined): void {
    this.#options.idleTimes?.changed(name, record);
    this.#minimums.delete(name);
    if (!record || record.minInstances <= 0) return;
    const minimum = {
      record,
      notBefore: 0,
      backOff: new BackOff(minimumCheckMs, maxBackOffMs),
      isStarting: false,
      trialEnds: 0,
      lacking: 0,
    };
    this.#minimums.set(name, minimum);
    void this.#keepMinimum(minimum);
  }

  /**
   * Describes which `MinInstances` cannot be met.
   *
   * @param shows whether a function may be named
   */
  problems(shows: (functionName: string) => boolean = () => true): string[] {
    return [...this.#minimums.values()].filter(({ record, lacking }) =>
      lacking > 0 && shows(record.name)
    ).map(
      ({ record: { name, minInstances }, lacking }) =>
        `${name}: not enough memory for ${lacking} of its ${minInstances} MinInstances`,
    );
  }

  /** Stops the janitor. */
  [Symbol.dispose](): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async #keepMinimum(minimum: Minimum): Promise<void> {
    const { pool, clock } = this.#options;
    const { record } = minimum;
    if (minimum.isStarting || clock.now() < minimum.notBefore) return;
    minimum.isStarting = true;
    try {
      const { missing, started } = await pool.keepMinimum(record);
      minimum.lacking = missing - started;
      if (started > 0) minimum.trialEnds = clock.now() + minimum.backOff.waitMs;
      else if (missing === 0 && clock.now() >= minimum.trialEnds) {
        minimum.backOff.succeeded();
      }
    } catch (error) {
      if (this.#minimums.get(record.name) !== minimum) return; // The function was replaced.
      const waitMs = minimum.backOff.failed();
      minimum.notBefore = clock.now() + waitMs;
      log.warn("Cannot keep {min} instances of {name} warm; trying again in {seconds} s: {error}", {
        min: record.minInstances,
        name: record.name,
        seconds: waitMs / 1000,
        error: asServerledgeError(error).message,
      });
    } finally {
      minimum.isStarting = false;
    }
  }

  #preWarmDue(idleTimes: IdleTimes): void {
    for (const record of idleTimes.takePreWarmsDue(maxPreWarming - this.#preWarming)) {
      if (!this.#options.pool.has(record)) void this.#preWarm(record);
    }
  }

  async #preWarm(record: FunctionRecord): Promise<void> {
    this.#preWarming++;
    try {
      await this.#options.pool.prewarm(record, 1, { expected: true });
    } catch (error) {
      log.warn("Cannot pre-warm an instance of {name}: {error}", {
        name: record.name,
        error: asServerledgeError(error).message,
      });
    } finally {
      this.#preWarming--;
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
