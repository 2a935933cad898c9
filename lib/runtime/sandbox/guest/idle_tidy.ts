/**
 * Release of memory: V8 keeps what a sandbox needed at its busiest, and collects little of its own
 * accord in a process that does nothing.
 *
 * @module
 */

/** How long there are no calls before a sandbox is taken for idle, ms. */
const idleMs = 5_000;
/** Growth of the heap that is worth a collection, bytes. */
const worthBytes = 8 << 20;
/** What takes longer is not done again: whoever calls meanwhile would wait, ms. */
const maxTidyMs = 250;

/** What it works with. */
export interface IdleTidyOptions {
  /** Size of the heap, bytes. */
  readonly heapBytes: () => number;
  /** Gives back all that can be. */
  readonly collect: () => void;
  /** True while calls are under way. */
  readonly busy: () => boolean;
  /** Calls back later. */
  readonly after: (ms: number, callback: () => void) => void;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
}

/** Collects garbage once when a sandbox has become idle. It has a timer only until then. */
export class IdleTidy {
  readonly #options: IdleTidyOptions;
  #tidyBytes: number;
  #isWaiting = false;
  #hasWorked = false;
  #isTooSlow = false;

  constructor(options: IdleTidyOptions) {
    this.#options = options;
    this.#tidyBytes = options.heapBytes();
  }

  /** A call has come. */
  worked(): void {
    this.#hasWorked = true;
    if (this.#isWaiting || this.#isTooSlow) return;
    this.#isWaiting = true;
    this.#options.after(idleMs, () => this.#look());
  }

  #look(): void {
    const { after, busy, collect, heapBytes, now } = this.#options;
    if (this.#hasWorked || busy()) {
      this.#hasWorked = false;
      return after(idleMs, () => this.#look());
    }
    this.#isWaiting = false;
    if (heapBytes() - this.#tidyBytes < worthBytes) return;
    const begun = now();
    collect();
    this.#isTooSlow = now() - begun > maxTidyMs;
    this.#tidyBytes = heapBytes();
  }
}
