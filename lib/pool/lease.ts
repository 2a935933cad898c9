/**
 * The right to run one call on one instance.
 *
 * @module
 */

import type { Instance } from "../runtime/environment.ts";
import type { PooledInstance } from "./function_pool.ts";

/** What a lease gives back to. */
export interface Lessor {
  /** A call of the instance has ended; it took that long, if it ended well. */
  give(pooled: PooledInstance, executionMs?: number): void;
  /** Removes an instance. */
  close(pooled: PooledInstance): void;
  /** A lease has ended, however; called after the instance was given back or removed. */
  ended(pooled: PooledInstance): void;
}

/** One call's hold on an instance; ends exactly once, later ends are ignored. */
export class Lease {
  readonly #lessor: Lessor;
  readonly #pooled: PooledInstance;
  #held = true;
  /** True if this call is the first of its instance. */
  readonly first: boolean;

  /** Made by the pool only. */
  constructor(pooled: PooledInstance, lessor: Lessor) {
    this.#pooled = pooled;
    this.#lessor = lessor;
    this.first = pooled.served === 1;
  }

  /** The instance to call. */
  get instance(): Instance {
    return this.#pooled.instance;
  }

  /** When the instance's start began, on the pool's clock. */
  get startedAt(): number {
    return this.#pooled.startedAt;
  }

  /** When the instance became ready, on the pool's clock. */
  get readyAt(): number {
    return this.#pooled.readyAt;
  }

  /**
   * The call has ended and the instance is fine.
   *
   * @param executionMs how long the execution took, if it is typical
   */
  release(executionMs?: number): void {
    if (!this.#held) return;
    this.#held = false;
    this.#lessor.give(this.#pooled, executionMs);
    this.#lessor.ended(this.#pooled);
  }

  /** The instance broke: it is removed now, with all its calls. */
  discard(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#pooled.calls--;
    this.#lessor.close(this.#pooled);
    this.#lessor.ended(this.#pooled);
  }

  /**
   * The function does not stop. The instance takes no more calls and is removed as soon as the
   * other calls it runs have ended, so that they are not harmed.
   */
  abandon(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#pooled.state === "busy") this.#pooled.home.doom(this.#pooled);
    this.#lessor.give(this.#pooled);
    this.#lessor.ended(this.#pooled);
  }
}
