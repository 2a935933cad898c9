/**
 * A clock whose time is made of events: it jumps from one timer to the next. All of a simulation
 * hangs on it, so that a simulated hour costs only what happens in it.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** One timer. */
interface Timer {
  readonly atMs: number;
  /** Of two timers at one time the one set first fires first: the order never depends on chance. */
  readonly order: number;
  /** Undefined once it was cancelled. */
  action: (() => void) | undefined;
}

/** A clock that fires one timer at a time. */
export class VirtualClock implements Clock {
  #now = 0;
  #set = 0;
  /** Binary heap, the earliest first. */
  readonly #heap: Timer[] = [];

  /** See {@link Clock}. Begins with 0. */
  now(): number {
    return this.#now;
  }

  /** See {@link Clock}. Its epoch is its start. */
  wall(): number {
    return this.#now;
  }

  /** See {@link Clock}. */
  after(delayMs: number, action: () => void): () => void {
    const timer: Timer = { atMs: this.#now + Math.max(0, delayMs), order: this.#set++, action };
    this.#push(timer);
    return () => timer.action = undefined;
  }

  /**
   * Moves to the earliest timer and fires it.
   *
   * @param untilMs how far time may move
   * @returns false if no timer is due until then; the time is `untilMs` then
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
