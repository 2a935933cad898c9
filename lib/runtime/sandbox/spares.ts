/**
 * Sandboxes that were started ahead and know no function yet. Each is used once.
 *
 * @module
 */

import { logger } from "../../base/log.ts";
import type { Sandbox } from "./sandbox.ts";

/** Rest after a spare was taken, so that the start it is for has the machine, ms. */
const refillRestMs = 100;
/** Rest after a spare could not be started, or was lost, ms. */
const failureRestMs = 5_000;

const log = logger("runtime");

/** Keeps spare sandboxes. */
export class Spares implements AsyncDisposable {
  readonly #count: number;
  readonly #start: () => Sandbox;
  readonly #ready: Sandbox[] = [];
  #starting: Promise<void> | undefined;
  #timer: number | undefined;
  #closed = false;

  /**
   * No spares yet.
   *
   * @param count how many are kept
   * @param start starts one
   */
  constructor(count: number, start: () => Sandbox) {
    this.#count = count;
    this.#start = start;
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
    if (spare) this.refill(refillRestMs);
    return spare;
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
      this.#starting = this.#startOne().finally(() => {
        this.#starting = undefined;
        this.refill(refillRestMs);
      });
    }, restMs);
  }

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#starting;
    await Promise.all(this.#ready.splice(0).map((spare) => spare[Symbol.asyncDispose]()));
  }

  async #startOne(): Promise<void> {
    let spare: Sandbox | undefined;
    try {
      spare = this.#start();
      await spare.connected();
    } catch (error) {
      log.warn("Cannot start a spare sandbox: {error}", { error: (error as Error).message });
      await spare?.[Symbol.asyncDispose]();
      if (!this.#closed) this.#timer ??= setTimeout(() => this.#again(), failureRestMs);
      return;
    }
    if (this.#closed) return await spare[Symbol.asyncDispose]();
    this.#ready.push(spare);
    void spare.process.ended.then(() => this.#lost(spare));
  }

  #again(): void {
    this.#timer = undefined;
    this.refill();
  }

  #lost(spare: Sandbox): void {
    const at = this.#ready.indexOf(spare);
    if (at < 0) return;
    this.#ready.splice(at, 1);
    void spare[Symbol.asyncDispose]();
    this.refill(failureRestMs);
  }
}
