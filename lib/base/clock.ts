/**
 * Clock as a dependency, which lets tests of waits and expiry run without waiting.
 *
 * @module
 */

/** Source of time and timers of a component. */
export interface Clock {
  /** Returns the milliseconds since a fixed moment, never decreasing. For durations and deadlines. */
  now(): number;
  /** Returns the milliseconds since the Unix epoch. For times that users and other machines read. */
  wall(): number;
  /**
   * Calls `action` once after `delayMs`.
   *
   * @returns function that cancels the timer; it has no effect after the timer has fired
   */
  after(delayMs: number, action: () => void): () => void;
}

/** Clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, action) {
    // A timer with a delay longer than 2^31-1 ms would fire at once.
    const timer = setTimeout(action, Math.min(delayMs, 0x7fff_ffff));
    return () => clearTimeout(timer);
  },
};

/** Clock for tests, advanced manually. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; action: () => void }[] = [];

  /** Returns the milliseconds advanced so far. */
  now(): number {
    return this.#now;
  }

  /** Returns the same as {@link ManualClock.now}, because its epoch is its start. */
  wall(): number {
    return this.#now;
  }

  /** Registers a timer that {@link ManualClock.advance} fires. */
  after(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#now + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /**
   * Advances the time and fires the timers that become due, in order.
   *
   * @param ms milliseconds to advance
   */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.action();
    }
    this.#now = end;
  }
}
