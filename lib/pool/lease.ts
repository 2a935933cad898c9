/**
 * Right to run one call on one instance.
 *
 * @module
 */

import type { Instance } from "../runtime/environment.ts";
import type { PooledInstance } from "./function_pool.ts";

/** Owner to which a lease returns its instance. */
export interface LeaseOwner {
  /** Accepts an instance after a call; `executionMs` is set if the call succeeded. */
  release(pooled: PooledInstance, executionMs?: number): void;
  /** Removes an instance and ends all its calls. */
  close(pooled: PooledInstance): void;
  /** Reports the end of a lease, after its instance was returned or removed. */
  leaseEnded(pooled: PooledInstance): void;
}

/** Right of one call to use an instance. It ends exactly once; later attempts to end it are ignored. */
export class Lease {
  readonly #owner: LeaseOwner;
  readonly #pooled: PooledInstance;
  #held = true;
  /** True for the first call of the instance. */
  readonly first: boolean;

  /** Creates a lease; for the pool only. */
  constructor(pooled: PooledInstance, owner: LeaseOwner) {
    this.#pooled = pooled;
    this.#owner = owner;
    this.first = pooled.served === 1;
  }

  /** Instance to call. */
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
   * Returns a healthy instance after its call.
   *
   * @param executionMs duration of the execution, if it is typical
   */
  release(executionMs?: number): void {
    if (!this.#take()) return;
    this.#owner.release(this.#pooled, executionMs);
    this.#owner.leaseEnded(this.#pooled);
  }

  /** Removes a broken instance at once and ends all its calls. */
  discard(): void {
    if (!this.#take()) return;
    this.#pooled.calls--;
    this.#owner.close(this.#pooled);
    this.#owner.leaseEnded(this.#pooled);
  }

  /**
   * Drains an instance whose function does not stop. The instance takes no more calls, and is removed when
   * its other calls have ended.
   */
  abandon(): void {
    if (!this.#take()) return;
    if (this.#pooled.state === "busy") this.#pooled.functionPool.drain(this.#pooled);
    this.#owner.release(this.#pooled);
    this.#owner.leaseEnded(this.#pooled);
  }

  /** @returns false if the lease has ended before */
  #take(): boolean {
    const held = this.#held;
    this.#held = false;
    return held;
  }
}
