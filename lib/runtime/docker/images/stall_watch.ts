/**
 * Detection of pulls whose registry sends nothing more.
 *
 * @module
 */

import { type Clock, systemClock } from "../../../base/clock.ts";

/** Watch of one pull. Disposing it ends it. */
export interface WatchedPull extends Disposable {
  /** Signal that is aborted if the pull has stalled. */
  readonly signal: AbortSignal;
}

/**
 * Aborts pulls that make no progress. The progress of one pull counts for all, because the engine
 * downloads few layers at a time and the others wait.
 */
export class StallWatch {
  /** Maximum time without progress, ms. */
  readonly stallMs: number;
  readonly #clock: Clock;
  readonly #restarts = new Set<() => void>();

  /**
   * Creates a watch without pulls.
   *
   * @param stallMs maximum time without progress, ms
   * @param clock sets the timers
   */
  constructor(stallMs: number, clock: Clock = systemClock) {
    this.stallMs = stallMs;
    this.#clock = clock;
  }

  /**
   * Watches a pull.
   *
   * @param mayBeSilent reports whether the engine now works, or waits, without the pull's registry
   */
  watch(mayBeSilent: () => boolean): WatchedPull {
    const abort = new AbortController();
    let cancel = () => {};
    const restart = () => {
      cancel();
      cancel = this.#clock.after(
        this.stallMs,
        () => mayBeSilent() ? restart() : abort.abort(),
      );
    };
    restart();
    this.#restarts.add(restart);
    const dispose = () => {
      cancel();
      this.#restarts.delete(restart);
    };
    return { signal: abort.signal, [Symbol.dispose]: dispose };
  }

  /** Restarts the time of all pulls because one of them has made progress. */
  progressed(): void {
    for (const restart of this.#restarts) restart();
  }
}
