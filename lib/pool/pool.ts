/**
 * Instance pool of a node: leases, starts and evicts instances. Each decision runs in one tick, so the
 * state that it has read does not change before it takes resources. Only starts and removals are
 * asynchronous.
 *
 * @module
 */

import type { PoolListener, PoolOptions } from "./options.ts";
import { Semaphore, TaskSet } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Instance } from "../runtime/environment.ts";
import { type FunctionPool, PooledInstance } from "./function_pool.ts";
import { FunctionPools, type InstanceCount } from "./function_pools.ts";
import { type Allocation, Allocator } from "./allocator.ts";
import type { PooledGeneric } from "./generic_instances.ts";
import { isKept, type KeepAliveWindows } from "./keep_alive/keep_alive.ts";
import type { Demand, ResourceLedger } from "./resource_ledger.ts";
import { Lease } from "./lease.ts";
import { type Shortage, shortageOf, supplyOf } from "./shortage.ts";
import type { PoolObserver } from "./observers.ts";

const log = logger("pool");

/** Instance pool of a node. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #ledger: ResourceLedger;
  readonly #clock: Clock;
  readonly #functions = new FunctionPools();
  /** Reason why the last instance for `MinInstances` of a version terminated before its first call. */
  readonly #failedBeforeUse = new Map<string, ServerledgeError>();
  readonly #turns: Semaphore;
  readonly #allocator: Allocator;
  readonly #starts = new TaskSet();
  readonly #removals = new TaskSet();
  #closed = false;
  #isLeaving = false;
  #listener: PoolListener | undefined;
  #observer: PoolObserver | undefined;

  /** Creates an empty pool. */
  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#turns = new Semaphore(options.parallelStarts);
    this.#allocator = new Allocator({
      ledger: options.ledger,
      generics: options.generics,
      evictable: () => this.#functions.evictable(),
      remove: (pooled) => this.#remove(pooled),
      onFreed: () => this.#roomFreed(),
    });
  }

  /** Sets the listener that is notified when an instance or resources become free. */
  listen(listener: PoolListener): void {
    this.#listener = listener;
  }

  /** Sets the observer of pre-warmed and expired instances. */
  observe(observer: PoolObserver): void {
    this.#observer = observer;
  }

  /**
   * Leases an instance for one call.
   *
   * @returns undefined if no instance can take the call now
   */
  tryLease(record: FunctionRecord): Lease | undefined {
    const pooled = this.#functions.get(record.version)?.acquire();
    if (!pooled) return undefined;
    this.#options.usage?.callStarted(pooled.functionPool.record);
    if (pooled.preWarmed && pooled.served === 1) this.#observer?.preWarmHit(record.name);
    return new Lease(pooled, this);
  }

  /** Tells whether the node's total resources suffice for an instance of the function. */
  fits(record: FunctionRecord): boolean {
    const { totalMemory, totalCpu } = this.#ledger.balance;
    return record.memoryMib <= totalMemory && record.cpu <= totalCpu;
  }

  /** Tells whether {@link Pool.tryLease} would succeed. */
  isWarm(record: FunctionRecord): boolean {
    const pool = this.#functions.get(record.version);
    return pool !== undefined && pool.canAcquire(this.#ledger.canUse(record.cpu));
  }

  /** Tells whether a number of instances could be started, if needed by evicting idle instances. */
  canStart(record: FunctionRecord, count: number): boolean {
    return shortageOf(record, count, supplyOf(this.#ledger, this.#functions.guarded())) ===
      undefined;
  }

  /** Returns the resource that a function lacks for a number of instances, or its slots if none lacks. */
  shortage(record: FunctionRecord, count: number): Shortage {
    const starting = this.#functions.get(record.version)?.starting ?? 0;
    return shortageOf(record, count, supplyOf(this.#ledger, this.#functions.guarded())) ??
      { lacks: "slots", slots: this.slots(record), starting };
  }

  /** Returns the number of calls that the starting instances will be able to run at once. */
  startingSlots(record: FunctionRecord): number {
    return (this.#functions.get(record.version)?.starting ?? 0) * record.maxConcurrency;
  }

  /**
   * Tells whether another instance would help the waiting requests of a function.
   *
   * @param waiting number of waiting requests
   * @param waitedMs waiting time of the oldest request, ms
   * @returns true, or the time until the next check, ms
   */
  needsMore(record: FunctionRecord, waiting: number, waitedMs: number): true | number {
    const pool = this.#functions.get(record.version);
    if (!pool || pool.scaleUp.needsMore({ waiting, waitedMs, slots: pool.slots })) return true;
    return Math.max(1, pool.scaleUp.startMs - waitedMs);
  }

  /** Returns the number of calls that the function's instances, including starting ones, can run at once. */
  slots(record: FunctionRecord): number {
    return this.#functions.get(record.version)?.slots ?? 0;
  }

  /** Tells whether the function has an instance that is running or starting. */
  has(record: FunctionRecord): boolean {
    return this.#functions.get(record.version)?.empty === false;
  }

  /**
   * Starts an instance for waiting requests in the background, and reports the outcome to the listener.
   *
   * @returns false if too many instances are starting or resources are lacking
   */
  tryStart(record: FunctionRecord): boolean {
    this.#options.usage?.startRequested(record);
    const turn = this.#closed ? undefined : this.#turns.tryAcquire();
    if (!turn) return false;
    const generic = this.#options.generics?.find(record);
    const allocation = this.#allocator.allocateOnDemand(demandOf(record), generic);
    if (!allocation) {
      turn[Symbol.dispose]();
      return false;
    }
    const start = this.#begin(record, async (pool) => {
      using _turn = turn;
      return await this.#launch(pool, allocation, { generic });
    });
    this.#track(start.catch((error) => {
      this.#listener?.startFailed(record, asServerledgeError(error));
    }));
    return true;
  }

  /**
   * Starts idle instances in advance.
   *
   * @param options.expected true if a request is expected
   * @param options.guaranteed true if idle instances of other functions may be evicted
   * @returns number of started instances, fewer than requested if resources are lacking
   * @throws the error of a start that failed for another reason
   */
  async prewarm(
    record: FunctionRecord,
    count: number,
    { expected = false, guaranteed = false } = {},
  ): Promise<number> {
    const starts = Array.from({ length: count }, () =>
      this.#begin(record, async (pool) => {
        using _turn = await this.#turns.acquire(pool.abort.signal);
        const allocation = this.#allocator.allocateForPreWarm(demandOf(record), guaranteed);
        return allocation && await this.#launch(pool, allocation, { expected });
      }));
    for (const start of starts) this.#track(start);
    const started = (await Promise.all(starts)).filter((started) => started).length;
    if (expected && started > 0) this.#observer?.preWarmed(record.name);
    return started;
  }

  /**
   * Starts instances until `MinInstances` is reached.
   *
   * @returns number of missing instances and of those that were started, as far as memory sufficed
   * @throws the error of a start that failed for another reason, or the reason why an instance started for
   *   `MinInstances` terminated before its first call
   */
  async keepMinimum(record: FunctionRecord): Promise<{ missing: number; started: number }> {
    const pool = this.#functions.get(record.version);
    const live = pool ? pool.starting + pool.idle.length + pool.busy.size : 0;
    const missing = Math.max(0, record.minInstances - live);
    if (missing === 0 || this.#closed) return { missing: 0, started: 0 };
    const failure = this.#failedBeforeUse.get(record.version);
    if (failure) {
      this.#failedBeforeUse.delete(record.version);
      throw failure;
    }
    return { missing, started: await this.prewarm(record, missing, { guaranteed: true }) };
  }

  /**
   * Removes instances that have been idle for too long, except those that `MinInstances` needs.
   *
   * @param windowsOf returns the keep-alive windows of a function
   */
  expire(windowsOf: (functionName: string) => KeepAliveWindows): void {
    const now = this.#clock.now();
    for (const pool of this.#functions.all()) {
      if (pool.idle.length === 0) continue;
      const { name } = pool.record;
      const windows = windowsOf(name);
      for (const pooled of [...pool.evictable]) {
        if (isKept(windows, now - pooled.idleSince, pooled.served > 0)) continue;
        this.close(pooled);
        this.#observer?.expired(name);
      }
    }
  }

  /** Drains all instances of a function version that was replaced or deleted. */
  retire(version: string): void {
    this.#failedBeforeUse.delete(version);
    const pool = this.#functions.get(version);
    if (!pool) return;
    pool.retired = true;
    this.#functions.unguard(pool);
    pool.abort.abort(new ServerledgeError("INSTANCE_START_FAILED", "The function was replaced"));
    for (const pooled of [...pool.idle]) this.close(pooled);
    for (const pooled of pool.busy) pool.drain(pooled);
    this.#functions.forget(pool);
  }

  /** Drains all instances of a function version, also those that are starting, so that new ones replace them. */
  restart(version: string): void {
    const pool = this.#functions.get(version);
    if (!pool) return;
    pool.generation++;
    for (const pooled of [...pool.idle]) this.close(pooled);
    for (const pooled of pool.busy) pool.drain(pooled);
  }

  /** Counts instances by function; functions without any are omitted. */
  count(): InstanceCount[] {
    return this.#functions.count();
  }

  /** Returns the running instances of all versions of a function. */
  instances(name: string): Instance[] {
    return this.#functions.instances(name);
  }

  /** Accepts an instance from a lease; for leases only. */
  release(pooled: PooledInstance, executionMs?: number): void {
    if (executionMs !== undefined) pooled.functionPool.scaleUp.observeExecution(executionMs);
    if (pooled.functionPool.release(pooled, this.#clock.now())) return this.close(pooled);
    if (pooled.state === "closed") return;
    this.#listener?.available(pooled.functionPool.record);
    this.#giveUp(pooled);
  }

  /** Records the end of a lease; for leases only. */
  leaseEnded(pooled: PooledInstance): void {
    this.#options.usage?.callEnded(pooled.functionPool.record);
  }

  /** Removes an instance, and releases its resources when it is removed. */
  close(pooled: PooledInstance): void {
    if (pooled.state !== "closed") void this.#remove(pooled);
  }

  /** True once only requests in progress get instances. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Removes idle instances from now on. Requests in progress still get instances. */
  leave(): void {
    this.#isLeaving = true;
    for (const pool of this.#functions.all()) {
      for (const pooled of [...pool.idle]) this.close(pooled);
    }
  }

  /** Removes all instances. Resolves when they are removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const version of [...this.#functions.versions()]) this.retire(version);
    await this.#starts.settled();
    for (const pool of this.#functions.all()) {
      for (const pooled of [...pool.idle, ...pool.busy]) this.close(pooled);
    }
    await this.#removals.settled();
  }

  /** Removes an instance that no request has taken, if the pool is leaving. */
  #giveUp(pooled: PooledInstance): void {
    if (this.#isLeaving && pooled.state === "idle") this.close(pooled);
  }

  #remove(pooled: PooledInstance): Promise<void> {
    pooled.functionPool.remove(pooled);
    return this.#removals.add(
      pooled.dispose().finally(() => {
        pooled.reservation[Symbol.dispose]();
        this.#functions.forget(pooled.functionPool);
        this.#roomFreed();
      }),
    );
  }

  #roomFreed(): void {
    this.#listener?.roomFreed();
    this.#options.generics?.refill();
  }

  /** Counts a start from its request to its end and admits the instance. */
  async #begin(
    record: FunctionRecord,
    attempt: (pool: FunctionPool) => Promise<PooledInstance | undefined>,
  ): Promise<boolean> {
    if (this.#closed) throw new ServerledgeError("SHUTTING_DOWN", "The node is shutting down");
    const pool = this.#functions.of(record);
    const { generation } = pool;
    let pooled: PooledInstance | undefined;
    pool.starting++;
    try {
      pooled = await attempt(pool);
    } finally {
      pool.starting--;
      if (!pooled) this.#functions.forget(pool);
    }
    if (pooled && pool.generation !== generation) this.close(pooled);
    else if (pooled) this.#admit(pooled);
    return pooled !== undefined;
  }

  async #launch(
    pool: FunctionPool,
    { reservation, evicted }: Allocation,
    { generic, expected = false }: { generic?: PooledGeneric; expected?: boolean },
  ): Promise<PooledInstance> {
    const { abort: { signal }, record } = pool;
    const startedAt = this.#clock.now();
    try {
      await evicted;
      signal.throwIfAborted();
      const instance = generic
        ? await generic.specialize(record, signal)
        : await this.#options.environment(record).start(record, signal);
      const readyAt = this.#clock.now();
      return new PooledInstance(pool, instance, reservation, startedAt, readyAt, expected);
    } catch (error) {
      await generic?.[Symbol.asyncDispose]();
      reservation[Symbol.dispose]();
      throw error;
    }
  }

  #admit(pooled: PooledInstance): void {
    const { functionPool, instance, reservation } = pooled;
    if (functionPool.retired) return this.close(pooled);
    reservation.deactivate();
    functionPool.scaleUp.observeStart(
      pooled.readyAt - pooled.startedAt,
      instance.tier === "generic",
    );
    functionPool.add(pooled);
    void instance.terminated.then(async ({ reason }) => {
      if (pooled.state === "closed") return;
      functionPool.drain(pooled); // It is removed once the reason is known.
      const error = await reason;
      log.warn("Instance {instance} of {name} terminated unexpectedly: {error}", {
        instance: instance.id,
        name: functionPool.record.name,
        error: error.message,
      });
      if (pooled.served === 0 && this.#functions.isGuarded(functionPool)) {
        this.#failedBeforeUse.set(functionPool.record.version, error);
      }
      this.close(pooled);
    });
    this.#listener?.available(functionPool.record);
    this.#giveUp(pooled);
  }

  #track(start: Promise<unknown>): void {
    void this.#starts.add(start.catch(() => {}).then(() => this.#roomFreed()));
  }
}

function demandOf({ memoryMib, cpu }: FunctionRecord): Demand {
  return { memoryMib, cpu };
}
