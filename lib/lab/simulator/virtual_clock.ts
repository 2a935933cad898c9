/**
 * Virtual clock that jumps from timer to timer, so that simulated time costs only its events.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** A timer. */
interface Timer {
  readonly atMs: number;
  /** Timers of equal time fire in the order in which they were set. */
  readonly order: number;
  /** Undefined after cancellation. */
  action: (() => void) | undefined;
}

/** Virtual clock. */
export class VirtualClock implements Clock {
  #now = 0;
  #set = 0;
  /** Binary heap by time. */
  readonly #heap: Timer[] = [];

  /** Time since the start, ms. */
  now(): number {
    return this.#now;
  }

  /** Same as `now`. */
  wall(): number {
    return this.#now;
  }

  /** Sets a timer. */
  after(delayMs: number, action: () => void): () => void {
    const timer: Timer = { atMs: this.#now + Math.max(0, delayMs), order: this.#set++, action };
    this.#push(timer);
    return () => timer.action = undefined;
  }

  /**
   * Advances to the earliest timer and fires it.
   *
   * @param untilMs limit of the time
   * @returns false if no timer is due by then; the time is `untilMs` then
   */
  step(untilMs: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.atMs > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return false;
      }
      this.#pop();
      const { action } = first;
      if (!action) continue;
      first.action = undefined;
      this.#now = first.atMs;
      action();
      return true;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
