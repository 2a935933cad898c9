/**
 * Sandboxes that were started ahead and know no function yet. Each is used once.
 *
 * @module
 */

import { logger } from "../../base/log.ts";
import type { SpareBudget } from "../environment.ts";
import type { Sandbox } from "./sandbox.ts";

/** Rest after a spare was taken, so that the start it is for has the machine, ms. */
const refillRestMs = 100;
/** Rest after a spare could not be started, or was lost, ms. */
const failureRestMs = 5_000;

/** Memory that a spare is booked with, MiB: what it has for itself, and a part of what all share. */
const spareMib = 32;

const log = logger("runtime");

/** One spare. */
interface Spare {
  readonly sandbox: Sandbox;
  /** Its memory. */
  readonly booking: Disposable | undefined;
}

/** Keeps spare sandboxes. */
export class Spares implements AsyncDisposable {
  readonly #count: number;
  readonly #start: () => Sandbox;
  readonly #budget: SpareBudget | undefined;
  readonly #ready: Spare[] = [];
  #starting: Promise<void> | undefined;
  #timer: number | undefined;
  #closed = false;

  /**
   * No spares yet.
   *
   * @param count how many are kept
   * @param start starts one
   * @param budget gives memory for each, if spares are booked
   */
  constructor(count: number, start: () => Sandbox, budget?: SpareBudget) {
    this.#count = count;
    this.#start = start;
    this.#budget = budget;
    budget?.onMemoryFreed(() => this.refill(refillRestMs));
  }

  /** How many are ready. */
  get ready(): number {
    return this.#ready.length;
  }

  /**
   * Takes a spare; it is its taker's to dispose.
   *
   * @returns undefined if none is ready
   */
  take(): Sandbox | undefined {
    const spare = this.#ready.shift();
    if (!spare) return undefined;
    spare.booking?.[Symbol.dispose]();
    this.refill(refillRestMs);
    return spare.sandbox;
  }

  /**
   * Starts what is missing, in the background.
   *
   * @param restMs when to begin
   */
  refill(restMs = 0): void {
    if (this.#closed || this.#starting || this.#ready.length >= this.#count) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const before = this.#ready.length;
      this.#starting = this.#startOne().finally(() => {
        this.#starting = undefined;
        if (this.#ready.length > before) this.refill(refillRestMs);
      });
    }, restMs);
  }

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#starting;
    await Promise.all(this.#ready.splice(0).map(end));
  }

  async #startOne(): Promise<void> {
    let spare: Spare | undefined;
    let isEvicted = false;
    const booking = this.#budget?.reserve(spareMib, async () => {
      isEvicted = true;
      if (spare) await this.#remove(spare);
    });
    // Whoever gives memory tells when there is some.
    if (this.#budget && !booking) return;
    try {
      spare = { sandbox: this.#start(), booking };
      await spare.sandbox.connected();
    } catch (error) {
      if (!isEvicted && !this.#closed) {
        log.warn("Cannot start a spare sandbox: {error}", { error: (error as Error).message });
        this.#rest();
      }
      booking?.[Symbol.dispose]();
      await spare?.sandbox[Symbol.asyncDispose]();
      return;
    }
    if (this.#closed || isEvicted) return await end(spare);
    this.#ready.push(spare);
    void spare.sandbox.process.ended.then(() => this.#lost(spare));
  }

  #lost(spare: Spare): void {
    if (!this.#ready.includes(spare)) return;
    void this.#remove(spare);
    this.refill(failureRestMs);
  }

  async #remove(spare: Spare): Promise<void> {
    const at = this.#ready.indexOf(spare);
    if (at >= 0) this.#ready.splice(at, 1);
    await end(spare);
  }

  #rest(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.refill();
    }, failureRestMs);
  }
}

async function end({ sandbox, booking }: Spare): Promise<void> {
  booking?.[Symbol.dispose]();
  await sandbox[Symbol.asyncDispose]();
}
