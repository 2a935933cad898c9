/**
 * Many deadlines, one timer. Almost every deadline is cancelled long before it is due, so setting
 * and cancelling must cost next to nothing; a timer of the runtime's own costs microseconds.
 *
 * @module
 */

import { Bag, type BagMember, nowhere } from "./bag.ts";
import type { Clock } from "./clock.ts";

/** Deadlines fire at most this much late, ms. */
const tickMs = 5;

/** A deadline that was set; dispose it to cancel. Harmless once it has fired. */
export interface Deadline extends Disposable {
  /** When it is due, on the clock's scale. */
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

/** The deadlines of one tick. Most become empty long before it, and then go. */
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
    // The action of one may cancel another.
    for (const entry of this.#entries.all()) if (this.#entries.delete(entry)) entry.action();
  }
}

/** A set of deadlines on one clock. */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Bucket>();
  #armedFor = Infinity;
  #disarm: () => void = () => {};

  /** @param clock whose time counts */
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
    const bucket = this.#buckets.get(tick) ?? new Bucket(this.#buckets, tick);
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
      if (tick * tickMs <= now) bucket.fire();
      else next = Math.min(next, tick);
    }
    this.#armedFor = Infinity;
    if (next < Infinity) this.#arm(next);
  }
}
