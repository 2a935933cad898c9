/**
 * Deadlines that share one timer. Almost every deadline is cancelled long before it is due, so setting
 * and cancelling must be very cheap; a timer of Deno costs microseconds.
 *
 * @module
 */

import { Bag, type BagMember, nowhere } from "./bag.ts";
import type { Clock } from "./clock.ts";

/** Maximum delay by which deadlines fire late, ms. */
const tickMs = 5;

/** Deadline that was set. Disposing it cancels it, and has no effect after it has fired. */
export interface Deadline extends Disposable {
  /** Time at which it is due, on the clock's scale, ms. */
  readonly atMs: number;
}

class Entry implements Deadline, BagMember {
  slot = nowhere;
  readonly atMs: number;
  readonly action: () => void;
  readonly #bucket: Bucket;

  constructor(atMs: number, action: () => void, bucket: Bucket) {
    this.atMs = atMs;
    this.action = action;
    this.#bucket = bucket;
  }

  [Symbol.dispose](): void {
    this.#bucket.cancel(this);
  }
}

/** Deadlines of one tick. Most buckets become empty long before their tick, and are removed then. */
class Bucket {
  readonly #entries = new Bag<Entry>();
  readonly #buckets: Map<number, Bucket>;
  readonly #tick: number;

  constructor(buckets: Map<number, Bucket>, tick: number) {
    this.#buckets = buckets;
    this.#tick = tick;
    buckets.set(tick, this);
  }

  add(entry: Entry): void {
    this.#entries.add(entry);
  }

  cancel(entry: Entry): void {
    if (this.#entries.delete(entry) && this.#entries.size === 0) this.#buckets.delete(this.#tick);
  }

  fire(): void {
    this.#buckets.delete(this.#tick);
    // The action of one deadline may cancel another.
    for (const entry of this.#entries.all()) if (this.#entries.delete(entry)) entry.action();
  }
}

/** Set of deadlines on one clock. */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Bucket>();
  #armedFor = Infinity;
  #disarm: () => void = () => {};

  /**
   * Creates an empty set, which sets no timer.
   *
   * @param clock source of time and timers
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sets a deadline.
   *
   * @param atMs time on the clock's scale, ms; the deadline fires at most a few ms late, never early
   * @param action called once, unless the deadline is disposed before
   */
  set(atMs: number, action: () => void): Deadline {
    const tick = Math.ceil(atMs / tickMs);
    const bucket = this.#buckets.get(tick) ?? new Bucket(this.#buckets, tick);
    const entry = new Entry(atMs, action, bucket);
    bucket.add(entry);
    if (tick < this.#armedFor) this.#arm(tick);
    return entry;
  }

  /** Cancels all deadlines. */
  [Symbol.dispose](): void {
    this.#disarm();
    this.#buckets.clear();
  }

  #arm(tick: number): void {
    this.#disarm();
    this.#armedFor = tick;
    const delay = Math.max(0, tick * tickMs - this.#clock.now());
    this.#disarm = this.#clock.after(delay, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    let next = Infinity;
    for (const [tick, bucket] of this.#buckets) {
      if (tick * tickMs <= now) bucket.fire();
      else next = Math.min(next, tick);
    }
    this.#armedFor = Infinity;
    if (next < Infinity) this.#arm(next);
  }
}
