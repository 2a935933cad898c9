/**
 * Instances of one version of one function: idle, busy, and busy with a free slot. Holds no resources
 * itself and starts nothing.
 *
 * @module
 */

import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Instance } from "../runtime/environment.ts";
import type { Candidate } from "./eviction.ts";
import type { Reservation } from "./resource_ledger.ts";
import { ScaleUpControl } from "./scale_up.ts";

const log = logger("pool");

/**
 * State of an instance. `draining`: takes no more calls and is removed when its last call ends.
 * `closed`: being removed or gone.
 */
export type InstanceState = "idle" | "busy" | "draining" | "closed";

/** Instance with the pool's records of it. */
export class PooledInstance implements Candidate {
  /** Current state. */
  state: InstanceState = "idle";
  /** Calls in flight. */
  calls = 0;
  /** Calls ever assigned to it. */
  served = 0;
  /** When it became idle, on the pool's clock. */
  idleSince: number;

  /**
   * @param functionPool the pool it belongs to
   * @param instance the running instance
   * @param reservation the resources it holds
   * @param startedAt when its start began, on the pool's clock
   * @param readyAt when it became ready
   * @param preWarmed true if it was started because a request is expected
   */
  constructor(
    readonly functionPool: FunctionPool,
    readonly instance: Instance,
    readonly reservation: Reservation,
    readonly startedAt: number,
    readonly readyAt: number,
    readonly preWarmed = false,
  ) {
    this.idleSince = readyAt;
  }

  /** Memory that the instance holds, MiB. */
  get memoryMib(): number {
    return this.functionPool.record.memoryMib;
  }

  /** Disposes the instance and logs a failure; never rejects. */
  async dispose(): Promise<void> {
    try {
      await this.instance[Symbol.asyncDispose]();
    } catch (error) {
      log.error("Cannot remove {instance}: {error}", {
        instance: this.instance.id,
        error: asServerledgeError(error).message,
      });
    }
  }
}

/** Instances of one version of one function. */
export class FunctionPool {
  /** Number of instances that are starting. */
  starting = 0;
  /** True once the function was updated or deleted: nothing is started or kept alive any more. */
  retired = false;
  /** Decides whether waiting requests justify another start. */
  readonly scaleUp: ScaleUpControl = new ScaleUpControl();
  /** Idle instances, least recently used first. */
  readonly idle: PooledInstance[] = [];
  /** Instances with at least one call, and draining ones. */
  readonly busy: Set<PooledInstance> = new Set();
  /** Busy instances that can take another call. */
  readonly #withFreeSlot = new Set<PooledInstance>();
  /** Aborts pending starts when the function is retired. */
  readonly abort: AbortController = new AbortController();

  /** @param record the function version that the instances run */
  constructor(readonly record: FunctionRecord) {}

  /** True if no instance is running or starting. */
  get empty(): boolean {
    return this.starting === 0 && this.idle.length === 0 && this.busy.size === 0;
  }

  /** Calls that all instances, including starting ones, can run at once. */
  get slots(): number {
    return (this.starting + this.idle.length + this.busy.size) * this.record.maxConcurrency;
  }

  /** Idle instances that may be evicted without falling below `MinInstances`. */
  get evictable(): PooledInstance[] {
    const needed = this.retired ? 0 : this.record.minInstances - this.busy.size;
    return needed <= 0 ? this.idle : this.idle.slice(0, Math.max(0, this.idle.length - needed));
  }

  /**
   * Assigns a call to an instance: to a busy one with a free slot, which costs nothing more, or else to
   * the most recently used idle one if its CPU is free.
   *
   * @returns undefined if no instance can take the call now
   */
  acquire(): PooledInstance | undefined {
    const shared = this.#withFreeSlot.values().next().value;
    if (shared) return this.#occupy(shared);
    const newest = this.idle.at(-1);
    if (!newest?.reservation.activate()) return undefined;
    this.idle.pop();
    newest.state = "busy";
    this.busy.add(newest);
    return this.#occupy(newest);
  }

  /** True if {@link FunctionPool.acquire} would succeed, given whether CPU for an idle one is free. */
  canAcquire(cpuFree: boolean): boolean {
    return this.#withFreeSlot.size > 0 || (cpuFree && this.idle.length > 0);
  }

  /**
   * Records that a call of an instance has ended.
   *
   * @param now on the pool's clock
   * @returns true if the instance must now be removed
   */
  release(pooled: PooledInstance, now: number): boolean {
    pooled.calls--;
    if (pooled.state === "closed") return false;
    if (pooled.state === "draining") return pooled.calls === 0;
    if (pooled.calls > 0) {
      this.#withFreeSlot.add(pooled);
    } else {
      this.#withFreeSlot.delete(pooled);
      this.busy.delete(pooled);
      this.#becomeIdle(pooled, now);
    }
    return false;
  }

  /** Adds an idle instance that has become ready. */
  add(pooled: PooledInstance): void {
    this.idle.push(pooled);
  }

  /** Stops assigning calls to an instance, which stays until its calls have ended or it is removed. */
  drain(pooled: PooledInstance): void {
    if (pooled.state === "idle") this.#leaveIdle(pooled);
    this.busy.add(pooled);
    pooled.state = "draining";
    this.#withFreeSlot.delete(pooled);
  }

  /** Removes the record of an instance that is being disposed. */
  remove(pooled: PooledInstance): void {
    pooled.state = "closed";
    this.#withFreeSlot.delete(pooled);
    this.busy.delete(pooled);
    this.#leaveIdle(pooled);
  }

  #leaveIdle(pooled: PooledInstance): void {
    const at = this.idle.indexOf(pooled);
    if (at >= 0) this.idle.splice(at, 1);
  }

  #occupy(pooled: PooledInstance): PooledInstance {
    pooled.calls++;
    pooled.served++;
    if (pooled.calls < this.record.maxConcurrency) this.#withFreeSlot.add(pooled);
    else this.#withFreeSlot.delete(pooled);
    return pooled;
  }

  #becomeIdle(pooled: PooledInstance, now: number): void {
    pooled.reservation.deactivate();
    pooled.state = "idle";
    pooled.idleSince = now;
    this.add(pooled);
  }
}
