/**
 * How fast a function is, as far as it was seen, and whether one more instance would help those who
 * wait. A start costs far more than most executions: where the line moves faster than an instance
 * starts, starting one only takes CPU from those that serve.
 *
 * @module
 */

/** Weight of the newest measurement in the moving averages. */
const weight = 0.2;

/** The line in front of a function, at one moment. */
export interface Line {
  /** Requests that wait. */
  readonly waiting: number;
  /** How long the first of them has waited, ms. */
  readonly waitedMs: number;
  /** Calls that the instances can run at once. */
  readonly slots: number;
}

/** Moving averages of one function version. */
export class Pace {
  #executionMs = NaN;
  #startMs = NaN;
  #generic = true;

  /** An execution took that long. */
  executed(ms: number): void {
    this.#executionMs = blend(this.#executionMs, ms);
  }

  /**
   * A start took that long.
   *
   * @param generic true if a spare made it quick; the next one hardly finds a spare again, so this
   *   counts only while nothing else is known
   */
  started(ms: number, generic = false): void {
    if (generic && !this.#generic) return;
    this.#startMs = blend(generic === this.#generic ? this.#startMs : NaN, ms);
    this.#generic = generic;
  }

  /** What an execution is expected to take, ms; NaN if none was seen. */
  get executionMs(): number {
    return this.#executionMs;
  }

  /** What a start is expected to take, ms; NaN if none was seen. */
  get startMs(): number {
    return this.#startMs;
  }

  /**
   * True unless the line is expected to be served before another instance would be ready.
   *
   * @param line who waits, for how long, for how many slots
   */
  needsMore({ waiting, waitedMs, slots }: Line): boolean {
    if (slots === 0 || Number.isNaN(this.#executionMs) || Number.isNaN(this.#startMs)) return true;
    if (waitedMs > this.#startMs) return true; // the estimate was wrong, or everybody is stuck
    return waiting * this.#executionMs / slots > this.#startMs;
  }
}

function blend(average: number, sample: number): number {
  return Number.isNaN(average) ? sample : average + weight * (sample - average);
}
