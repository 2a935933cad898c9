/**
 * Release of memory in idle sandboxes. V8 keeps the memory that a sandbox needed at its peak, and seldom
 * collects garbage in an idle process.
 *
 * @module
 */

/** Time without calls after which a sandbox counts as idle, ms. */
const idleMs = 5_000;
/** Minimum growth of the heap that justifies a collection, bytes. */
const worthBytes = 8 << 20;
/** Maximum duration of a collection, ms. After a longer one there are no more, because calls wait for it. */
const maxTidyMs = 250;

/** Dependencies of {@link IdleTidy}. */
export interface IdleTidyOptions {
  /** Size of the heap, bytes. */
  readonly heapBytes: () => number;
  /** Collects garbage and returns free memory to the system. */
  readonly collect: () => void;
  /** Reports whether calls are running. */
  readonly busy: () => boolean;
  /** Schedules a callback. */
  readonly after: (ms: number, callback: () => void) => void;
  /** Time on a monotonic clock, ms. */
  readonly now: () => number;
}

/** Collects garbage once when a sandbox has become idle. Its timer runs only until then. */
export class IdleTidy {
  readonly #options: IdleTidyOptions;
  #tidyBytes: number;
  #isWaiting = false;
  #hasWorked = false;
  #isTooSlow = false;

  /** Takes the current size of the heap as that of a tidy one. */
  constructor(options: IdleTidyOptions) {
    this.#options = options;
    this.#tidyBytes = options.heapBytes();
  }

  /** Records that a call has arrived. */
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
