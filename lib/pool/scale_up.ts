/**
 * Scale-up control: decides whether another instance would help the waiting requests of a function. A
 * start costs far more than most executions. If the wait queue drains before an instance would be ready,
 * a start only takes CPU from the running instances.
 *
 * @module
 */

/** Weight of the newest measurement in the moving averages. */
const weight = 0.2;

/** Wait queue of a function at one moment. */
export interface QueueState {
  /** Number of waiting requests. */
  readonly waiting: number;
  /** Waiting time of the oldest request, ms. */
  readonly waitedMs: number;
  /** Calls that the function's instances can run at once. */
  readonly slots: number;
}

/** Moving averages of execution and start times of one function version. */
export class ScaleUpControl {
  #executionMs = NaN;
  #startMs = NaN;
  #generic = true;

  /** Records the duration of an execution. */
  observeExecution(ms: number): void {
    this.#executionMs = blend(this.#executionMs, ms);
  }

  /**
   * Records the duration of a start.
   *
   * @param generic true if a generic instance was specialized, which is faster. Such a start counts only
   *   until a start without one is observed, because the next start is unlikely to find a generic instance
   */
  observeStart(ms: number, generic = false): void {
    if (generic && !this.#generic) return;
    this.#startMs = blend(generic === this.#generic ? this.#startMs : NaN, ms);
    this.#generic = generic;
  }

  /** Expected execution time, ms; `NaN` until one was observed. */
  get executionMs(): number {
    return this.#executionMs;
  }

  /** Expected start time, ms; `NaN` until one was observed. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Returns false if the wait queue is expected to drain before another instance would be ready. */
  needsMore({ waiting, waitedMs, slots }: QueueState): boolean {
    if (slots === 0 || Number.isNaN(this.#executionMs) || Number.isNaN(this.#startMs)) return true;
    if (waitedMs > this.#startMs) return true; // The estimate was wrong, or all slots are stuck.
    return waiting * this.#executionMs / slots > this.#startMs;
  }
}

function blend(average: number, sample: number): number {
  return Number.isNaN(average) ? sample : average + weight * (sample - average);
}
