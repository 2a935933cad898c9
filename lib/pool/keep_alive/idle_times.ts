/**
 * Idle times of functions, from which a keep-alive policy learns and which determine when an instance is
 * pre-warmed.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { UsageObserver } from "../observers.ts";

/** Usage of one function. */
interface Usage {
  record: FunctionRecord;
  /** Calls in flight. */
  running: number;
  /** When the last call ended; undefined while requests or calls are in flight. */
  idleSince: number | undefined;
  /** When an instance is to be pre-warmed. */
  dueAt: number;
  /** When pre-warming is no longer worthwhile. */
  expiresAt: number;
}

/** Idle times of the functions of a node. */
export class IdleTimes implements UsageObserver {
  readonly #keepAlive: KeepAlive;
  readonly #clock: Pick<Clock, "now">;
  readonly #usages = new Map<string, Usage>();
  /** Idle functions that are to be pre-warmed. */
  readonly #due = new Set<Usage>();

  /**
   * Creates statistics without functions.
   *
   * @param keepAlive policy that learns from idle times and decides when to pre-warm
   */
  constructor(keepAlive: KeepAlive, clock: Pick<Clock, "now">) {
    this.#keepAlive = keepAlive;
    this.#clock = clock;
  }

  /** Ends the idle time of a function. */
  startRequested(record: FunctionRecord): void {
    this.#endIdleTime(record);
  }

  /** Ends the idle time of a function and counts its call. */
  callStarted(record: FunctionRecord): void {
    this.#endIdleTime(record).running++;
  }

  /** Begins the idle time of a function with the end of its last call. */
  callEnded({ name }: FunctionRecord): void {
    const usage = this.#usages.get(name);
    if (!usage || usage.running === 0 || --usage.running > 0) return;
    const now = this.#clock.now();
    usage.idleSince = now;
    const { preWarmMs, keepAliveMs } = this.#keepAlive.windows(name);
    if (preWarmMs === 0) return;
    usage.dueAt = now + preWarmMs;
    usage.expiresAt = usage.dueAt + keepAliveMs;
    this.#due.add(usage);
  }

  /**
   * Follows an update or deletion of a function.
   *
   * @param record undefined if the function was deleted
   */
  changed(name: string, record: FunctionRecord | undefined): void {
    const usage = this.#usages.get(name);
    if (record) {
      if (usage) usage.record = record;
      return;
    }
    if (usage) this.#due.delete(usage);
    this.#usages.delete(name);
    this.#keepAlive.forget(name);
  }

  /**
   * Takes the functions that are to be pre-warmed now, each once per idle time.
   *
   * @param limit maximum number; the others stay due
   */
  takePreWarmsDue(limit: number): FunctionRecord[] {
    const now = this.#clock.now();
    const taken: FunctionRecord[] = [];
    for (const usage of this.#due) {
      if (now < usage.dueAt) continue;
      if (now < usage.expiresAt) {
        if (taken.length === limit) continue;
        taken.push(usage.record);
      }
      this.#due.delete(usage);
    }
    return taken;
  }

  #endIdleTime(record: FunctionRecord): Usage {
    let usage = this.#usages.get(record.name);
    if (!usage) {
      usage = { record, running: 0, idleSince: undefined, dueAt: 0, expiresAt: 0 };
      this.#usages.set(record.name, usage);
    }
    if (usage.idleSince !== undefined) {
      this.#keepAlive.observe(record.name, this.#clock.now() - usage.idleSince);
      usage.idleSince = undefined;
      this.#due.delete(usage);
    }
    return usage;
  }
}
