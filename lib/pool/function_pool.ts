/**
 * Instances of one version of one function: idle, busy, and busy with a free slot. The pool of a function
 * reserves no resources and starts no instances.
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
 * State of an instance. A `draining` instance takes no more calls and is removed when its last call ends.
 * A `closed` instance is being removed or is removed.
 */
export type InstanceState = "idle" | "busy" | "draining" | "closed";

/** Instance with its state in the pool. */
export class PooledInstance implements Candidate {
  /** Current state. */
  state: InstanceState = "idle";
  /** Number of calls in flight. */
  calls = 0;
  /** Number of all calls that were assigned to the instance. */
  served = 0;
  /** When the instance became idle, on the pool's clock. */
  idleSince: number;

  /**
   * Creates an idle instance that has just become ready.
   *
   * @param functionPool pool of the instance's function
   * @param instance running instance
   * @param reservation resources of the instance
   * @param startedAt when its start began, on the pool's clock
   * @param readyAt when it became ready, on the pool's clock
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
  /** True after the function was updated or deleted: no instance is started or kept alive. */
  retired = false;
  /** Number of times that all its instances were replaced. */
  generation = 0;
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

  /**
   * Creates a pool without instances.
   *
   * @param record function version that the instances run
   */
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
   * Assigns a call to a busy instance with a free slot, which needs no more resources. If there is none,
   * assigns it to the most recently used idle instance if enough CPU is free.
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

  /**
   * Tells whether {@link FunctionPool.acquire} would succeed.
   *
   * @param cpuFree true if enough CPU for an idle instance is free
   */
  canAcquire(cpuFree: boolean): boolean {
    return this.#withFreeSlot.size > 0 || (cpuFree && this.idle.length > 0);
  }

  /**
   * Records that a call of an instance has ended.
   *
   * @param now current time on the pool's clock
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
