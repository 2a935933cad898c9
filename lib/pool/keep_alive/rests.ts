/**
 * Follows when functions rest and when they are asked for again: what a keep-alive policy learns from,
 * and when an instance is due to be started ahead.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { PoolUsage } from "../watchers.ts";

/** What is known of one function; there are no more than functions. */
interface Usage {
  record: FunctionRecord;
  /** Calls under way. */
  running: number;
  /** When the last call ended; undefined while it is wanted. */
  restingSince: number | undefined;
  /** When an instance is due; while it is among those. */
  dueAt: number;
  /** When it is not worth it any more. */
  lateAt: number;
}

/** The rests of the functions of a node. */
export class Rests implements PoolUsage {
  readonly #keepAlive: KeepAlive;
  readonly #clock: Pick<Clock, "now">;
  readonly #usages = new Map<string, Usage>();
  /** Those that rest without an instance until their time comes. */
  readonly #due = new Set<Usage>();

  /**
   * Nothing has been asked for yet.
   *
   * @param keepAlive learns, and says when an instance is due
   * @param clock the node's
   */
  constructor(keepAlive: KeepAlive, clock: Pick<Clock, "now">) {
    this.#keepAlive = keepAlive;
    this.#clock = clock;
  }

  /** See {@link PoolUsage}. */
  wanted(record: FunctionRecord): void {
    this.#wake(record);
  }

  /** See {@link PoolUsage}. */
  began(record: FunctionRecord): void {
    this.#wake(record).running++;
  }

  /** See {@link PoolUsage}. */
  ended({ Name: name }: FunctionRecord): void {
    const usage = this.#usages.get(name);
    if (!usage || usage.running === 0 || --usage.running > 0) return;
    const now = this.#clock.now();
    usage.restingSince = now;
    const { preWarmMs, keepAliveMs } = this.#keepAlive.windows(name);
    if (preWarmMs === 0) return;
    usage.dueAt = now + preWarmMs;
    usage.lateAt = usage.dueAt + keepAliveMs;
    this.#due.add(usage);
  }

  /**
   * A function was updated or deleted.
   *
   * @param record undefined if it is gone
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
   * Functions of which an instance is to be started now; each is told once a rest.
   *
   * @param limit how many at most; the others stay due
   */
  takeDue(limit: number): FunctionRecord[] {
    const now = this.#clock.now();
    const taken: FunctionRecord[] = [];
    for (const usage of this.#due) {
      if (now < usage.dueAt) continue;
      if (now < usage.lateAt) {
        if (taken.length === limit) continue;
        taken.push(usage.record);
      }
      this.#due.delete(usage);
    }
    return taken;
  }

  /** A request came: its rest, if it rested, is over. */
  #wake(record: FunctionRecord): Usage {
    let usage = this.#usages.get(record.Name);
    if (!usage) {
      usage = { record, running: 0, restingSince: undefined, dueAt: 0, lateAt: 0 };
      this.#usages.set(record.Name, usage);
    }
    if (usage.restingSince !== undefined) {
      this.#keepAlive.observe(record.Name, this.#clock.now() - usage.restingSince);
      usage.restingSince = undefined;
      this.#due.delete(usage);
    }
    return usage;
  }
}
