/**
 * Standby pool: keeps items that are slow to start ready in advance, and replaces taken items in the
 * background.
 *
 * @module
 */

import { TaskSet } from "./async.ts";
import type { BackOff } from "./back_off.ts";
import type { Clock } from "./clock.ts";

/** Item of a standby pool. */
export interface StandbyItem extends AsyncDisposable {
  /** Resolves, never rejects, when the item becomes unusable by itself. */
  readonly ended?: Promise<unknown>;
}

/** Timing of starts. Without it, starts are not delayed, and failed ones are not repeated. */
export interface StandbyTiming {
  /** Source of timers. */
  readonly clock: Pick<Clock, "after">;
  /** Delay of starts, ms, which leaves the machine to the user of the item that was taken. */
  readonly delayMs: number;
  /** Waits after failures. */
  readonly backOff: BackOff;
}

/** Dependencies of a standby pool. */
export interface StandbyOptions<T> {
  /** Returns how many items should be ready now. */
  readonly size: () => number;
  /**
   * Starts an item.
   *
   * @returns undefined if a start is impossible now, which is not a failure
   */
  readonly start: (signal: AbortSignal) => Promise<T | undefined>;
  /**
   * Reports an item that failed.
   *
   * @param message tells whether it could not be started or disposed, or ended by itself
   */
  readonly onFailure: (message: string) => void;
  /** Delays of starts. */
  readonly timing?: StandbyTiming;
}

/** Pool of items that are started in advance, one at a time. Disposing it disposes them. */
export class StandbyPool<T extends StandbyItem> implements AsyncDisposable {
  readonly #options: StandbyOptions<T>;
  /** Oldest first. */
  readonly #ready: T[] = [];
  readonly #removals = new TaskSet();
  #filling: Promise<void> | undefined;
  /** True if another refill was requested during the current one. */
  #again = false;
  #start: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  /** True while the next start is postponed. */
  #isBackingOff = false;
  #closed = false;

  /** Creates an empty pool. The first refill starts its items. */
  constructor(options: StandbyOptions<T>) {
    this.#options = options;
  }

  /** Items that are ready, oldest first. */
  get ready(): readonly T[] {
    return this.#ready;
  }

  /**
   * Takes a ready item, whose owner disposes it.
   *
   * @param item the oldest one by default
   * @returns undefined if it is not ready
   */
  take(item: T | undefined = this.#ready[0]): T | undefined {
    const at = item ? this.#ready.indexOf(item) : -1;
    return at < 0 ? undefined : this.#ready.splice(at, 1)[0];
  }

  /** Adds an item, or disposes it if enough are ready. */
  add(item: T): void {
    if (this.#closed || this.#ready.length >= this.#options.size()) {
      return this.discard(item);
    }
    this.#ready.push(item);
    void item.ended?.then(() => {
      if (!this.take(item)) return;
      this.#options.onFailure("terminated unexpectedly");
      this.discard(item);
      this.failed();
    });
  }

  /** Disposes an item that was taken, in the background. */
  discard(item: T): void {
    void this.#dispose(item);
  }

  /** Starts missing items in the background. */
  refill(): void {
    const { timing } = this.#options;
    this.#again = this.#filling !== undefined;
    if (!this.#isShort() || this.#cancelTimer) return;
    if (timing) this.#schedule(timing, timing.delayMs);
    else void this.filled();
  }

  /**
   * Starts missing items without delay, unless the next start is postponed; resolves when all are ready
   * or cannot be started now.
   */
  async filled(): Promise<void> {
    if (this.#isBackingOff) return;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
      if (this.#again) this.refill();
    });
    await this.#filling;
  }

  /**
   * Records the failure of an item: the next start waits for the back-off. Failures during a wait have no
   * effect, because they often have the same cause.
   */
  failed(): void {
    const { timing } = this.#options;
    if (timing && !this.#isBackingOff) this.postpone(timing.backOff.failed());
  }

  /** Postpones the next start by a time, ms, unless it waits already. */
  postpone(ms: number): void {
    const { timing } = this.#options;
    if (!timing || this.#closed || this.#isBackingOff) return;
    this.#cancelTimer?.();
    this.#isBackingOff = true;
    this.#schedule(timing, ms);
  }

  /** Records that an item served its purpose. */
  succeeded(): void {
    this.#options.timing?.backOff.succeeded();
  }

  /** Aborts the current start, if any. Resolves when its item is disposed. */
  async cancelStart(): Promise<void> {
    this.#start?.abort();
    await this.#filling;
  }

  /** Removes all items, including one that is starting. Resolves when they are disposed. */
  async clear(): Promise<void> {
    const removals = this.#ready.splice(0).map((item) => this.#dispose(item));
    await Promise.all([this.cancelStart(), ...removals]);
  }

  /** Removes all items and starts no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.clear();
    await this.#removals.settled();
  }

  #isShort(): boolean {
    return !this.#closed && this.#ready.length < this.#options.size();
  }

  #schedule({ clock }: StandbyTiming, delayMs: number): void {
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#isBackingOff = false;
      void this.filled();
    });
  }

  async #fill(): Promise<void> {
    while (!this.#isBackingOff && this.#isShort() && await this.#startOne());
  }

  /** @returns false if another start now would be useless */
  async #startOne(): Promise<boolean> {
    const abort = this.#start = new AbortController();
    try {
      const item = await this.#options.start(abort.signal);
      if (item && !abort.signal.aborted) {
        this.add(item);
        return true;
      }
      if (item) await this.#dispose(item);
    } catch (error) {
      if (!abort.signal.aborted) {
        this.#options.onFailure(`cannot be started: ${(error as Error).message}`);
        this.failed();
      }
    } finally {
      this.#start = undefined;
    }
    return false;
  }

  #dispose(item: T): Promise<void> {
    const disposed = Promise.resolve(item[Symbol.asyncDispose]());
    return this.#removals.add(disposed.catch((error) => {
      this.#options.onFailure(`cannot be removed: ${error.message}`);
    }));
  }
}
