/**
 * Time as an argument, so that everything that waits or expires can be tested without waiting.
 *
 * @module
 */

/** Where a component reads the time and sets its timers. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. For durations and deadlines. */
  now(): number;
  /** Milliseconds since the Unix epoch. For what people and other machines read. */
  wall(): number;
  /**
   * Calls `action` once after `delayMs`.
   *
   * @returns a function that cancels the timer; harmless when it has fired
   */
  after(delayMs: number, action: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, action) {
    // A longer delay than 2^31-1 ms would fire at once.
    const timer = setTimeout(action, Math.min(delayMs, 0x7fff_ffff));
    return () => clearTimeout(timer);
  },
};

/** A clock for tests that is advanced manually. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; action: () => void }[] = [];

  /** Milliseconds moved so far. */
  now(): number {
    return this.#now;
  }

  /** The same as {@link ManualClock.now}: its epoch is its start. */
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
   * Moves time forward and fires, in order, the timers that come due on the way.
   *
   * @param ms how far
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
