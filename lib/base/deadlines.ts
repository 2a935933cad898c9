/**
 * Many deadlines, one timer. Almost every deadline is cancelled long before it is due, so setting
 * and cancelling must cost next to nothing; a timer of the runtime's own costs microseconds.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** Deadlines fire at most this much late, ms. */
const tickMs = 5;

/** A deadline that was set; dispose it to cancel. Harmless once it has fired. */
export interface Deadline extends Disposable {
  /** When it is due, on the clock's scale. */
  readonly atMs: number;
}

class Entry implements Deadline {
  readonly atMs: number;
  readonly action: () => void;
  readonly #bucket: Set<Entry>;

  constructor(atMs: number, action: () => void, bucket: Set<Entry>) {
    this.atMs = atMs;
    this.action = action;
    this.#bucket = bucket;
  }

  [Symbol.dispose](): void {
    this.#bucket.delete(this);
  }
}

/** A set of deadlines on one clock. */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Entry>>();
  #armedFor = Infinity;
  #disarm: () => void = () => {};

  /**
   * No deadlines yet.
   *
   * @param clock whose time counts
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sets a deadline.
   *
   * @param atMs when, on the clock's scale; fires at most a few milliseconds late, never early
   * @param action called once, unless the deadline is disposed before
   */
  set(atMs: number, action: () => void): Deadline {
    const tick = Math.ceil(atMs / tickMs);
    let bucket = this.#buckets.get(tick);
    if (!bucket) this.#buckets.set(tick, bucket = new Set());
    const entry = new Entry(atMs, action, bucket);
    bucket.add(entry);
    if (tick < this.#armedFor) this.#arm(tick);
    return entry;
  }

  /** Cancels all. */
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
      if (tick * tickMs <= now) {
        this.#buckets.delete(tick);
        for (const entry of bucket) entry.action();
      } else if (bucket.size === 0) {
        this.#buckets.delete(tick);
      } else {
        next = Math.min(next, tick);
      }
    }
    this.#armedFor = Infinity;
    if (next < Infinity) this.#arm(next);
  }
}
