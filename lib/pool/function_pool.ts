/**
 * The instances of one version of one function: which are idle, which are busy, which of the busy
 * ones can take one more call. Holds no resources itself and starts nothing.
 *
 * @module
 */

import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Instance } from "../runtime/environment.ts";
import type { Candidate } from "./eviction.ts";
import type { Reservation } from "./ledger.ts";
import { Pace } from "./pace.ts";

const log = logger("pool");

/**
 * Where an instance is in its life. `doomed`: takes no more calls, is removed when its last
 * one ends. `closed`: being removed or gone.
 */
export type InstanceState = "idle" | "busy" | "doomed" | "closed";

/** An instance with the pool's books about it. */
export class PooledInstance implements Candidate {
  /** Where it is in its life. */
  state: InstanceState = "idle";
  /** Calls under way. */
  calls = 0;
  /** Calls ever given to it. */
  served = 0;
  /** When it became idle, on the pool's clock. */
  idleSince: number;

  /**
   * An idle instance that has just become ready.
   *
   * @param home the set it belongs to
   * @param instance the running thing
   * @param reservation the resources it holds
   * @param startedAt when its start began, on the pool's clock
   * @param readyAt when it became ready
   * @param expected true if it was started since a request is expected
   */
  constructor(
    readonly home: FunctionPool,
    readonly instance: Instance,
    readonly reservation: Reservation,
    readonly startedAt: number,
    readonly readyAt: number,
    readonly expected = false,
  ) {
    this.idleSince = readyAt;
  }

  /** See {@link Candidate.memoryMib}. */
  get memoryMib(): number {
    return this.home.record.MemoryMB;
  }

  /** Disposes the instance; never rejects. */
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

/** The instances of one version of one function. */
export class FunctionPool {
  /** Instances that are being started now. */
  starting = 0;
  /** Set when the function was updated or deleted: nothing is started or kept any more. */
  retired = false;
  /** How fast it is. */
  readonly pace: Pace = new Pace();
  /** Idle instances, least recently used first. */
  readonly idle: PooledInstance[] = [];
  /** Instances with at least one call, or lost and not gone yet. */
  readonly busy: Set<PooledInstance> = new Set();
  /** Busy instances that can take one more call. */
  readonly #open = new Set<PooledInstance>();
  /** Gives up the starts under way when the function is retired. */
  readonly abort: AbortController = new AbortController();

  /**
   * No instances yet.
   *
   * @param record the function, in the version that the instances run
   */
  constructor(readonly record: FunctionRecord) {}

  /** True if nothing is left to look after. */
  get empty(): boolean {
    return this.starting === 0 && this.idle.length === 0 && this.busy.size === 0;
  }

  /** Calls that its instances, those being started included, can run at once. */
  get slots(): number {
    return (this.starting + this.idle.length + this.busy.size) * this.record.MaxConcurrency;
  }

  /** Idle instances that may be taken away; the rest is needed to keep `MinInstances`. */
  get evictable(): PooledInstance[] {
    const needed = this.retired ? 0 : this.record.MinInstances - this.busy.size;
    return needed <= 0 ? this.idle : this.idle.slice(0, Math.max(0, this.idle.length - needed));
  }

  /**
   * Gives a call to an instance: one that is busy and has room (it costs nothing more), else the
   * most recently used idle one if its CPU is free.
   *
   * @returns undefined if no instance can take it now
   */
  take(): PooledInstance | undefined {
    const shared = this.#open.values().next().value;
    if (shared) return this.#occupy(shared);
    const rested = this.idle.at(-1);
    if (!rested?.reservation.activate()) return undefined;
    this.idle.pop();
    rested.state = "busy";
    this.busy.add(rested);
    return this.#occupy(rested);
  }

  /** True if {@link FunctionPool.take} would find an instance; `cpuFree` tells if one may wake. */
  canTake(cpuFree: boolean): boolean {
    return this.#open.size > 0 || (cpuFree && this.idle.length > 0);
  }

  /**
   * A call of an instance has ended.
   *
   * @param now on the pool's clock
   * @returns true if the instance must now be removed
   */
  give(pooled: PooledInstance, now: number): boolean {
    pooled.calls--;
    if (pooled.state === "closed") return false;
    if (pooled.state === "doomed") return pooled.calls === 0;
    if (pooled.calls > 0) {
      this.#open.add(pooled);
    } else {
      this.#open.delete(pooled);
      this.busy.delete(pooled);
      this.#rest(pooled, now);
    }
    return false;
  }

  /** Adds an instance that has become ready; its reservation must be active or at rest already. */
  add(pooled: PooledInstance): void {
    this.idle.push(pooled);
  }

  /** Takes an instance out of use; it stays until its calls have ended, or it is removed. */
  doom(pooled: PooledInstance): void {
    if (pooled.state === "idle") this.#leaveIdle(pooled);
    this.busy.add(pooled);
    pooled.state = "doomed";
    this.#open.delete(pooled);
  }

  /** Forgets an instance that is being removed. */
  remove(pooled: PooledInstance): void {
    pooled.state = "closed";
    this.#open.delete(pooled);
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
    if (pooled.calls < this.record.MaxConcurrency) this.#open.add(pooled);
    else this.#open.delete(pooled);
    return pooled;
  }

  #rest(pooled: PooledInstance, now: number): void {
    pooled.reservation.rest();
    pooled.state = "idle";
    pooled.idleSince = now;
    this.idle.push(pooled);
  }
}
