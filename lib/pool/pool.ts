/**
 * The warm pool of a node: leases instances, starts and evicts them, and keeps the ledger true.
 * Everything that decides runs in one tick, so what was seen is what is taken; only starts and
 * removals wait.
 *
 * @module
 */

import { Semaphore, TaskSet } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { ExecutionEnvironment, Instance } from "../runtime/environment.ts";
import { type FunctionPool, PooledInstance } from "./function_pool.ts";
import { FunctionPools, type InstanceCount } from "./function_pools.ts";
import { type Allocation, Allocator } from "./allocator.ts";
import { isKept, type KeepAliveWindows } from "./keep_alive/keep_alive.ts";
import type { Demand, ResourceLedger } from "./resource_ledger.ts";
import { Lease } from "./lease.ts";
import { type Shortage, shortageOf, type Supply } from "./shortage.ts";
import type { GenericBudget } from "./generic_budget.ts";
import type { PoolObserver, UsageObserver } from "./observers.ts";

/** What the pool tells whoever has requests waiting. Called synchronously. */
export interface PoolListener {
  /** An instance of the function can take a call now. */
  available(record: FunctionRecord): void;
  /** A start for demand failed. */
  startFailed(record: FunctionRecord, error: ServerledgeError): void;
  /** Memory, CPU or a turn to start came free. */
  roomFreed(): void;
}

/** What a pool is made of. */
export interface PoolOptions {
  /** The node's resources. */
  readonly ledger: ResourceLedger;
  /** Makes instances of a function. */
  readonly environment: (record: FunctionRecord) => ExecutionEnvironment;
  /** The node's clock. */
  readonly clock: Clock;
  /** Most instances that may be starting at once. */
  readonly parallelStarts: number;
  /** Follows how functions are used; absent: nobody does. */
  readonly usage?: UsageObserver;
  /** The books of what is started ahead for no function; left out: there is none. */
  readonly spares?: GenericBudget;
}

const log = logger("pool");

/** The warm pool of a node. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #ledger: ResourceLedger;
  readonly #clock: Clock;
  readonly #functions = new FunctionPools();
  /** Why the last instance of a version ended that never served; only where `MinInstances` needs it. */
  readonly #failedBeforeUse = new Map<string, ServerledgeError>();
  readonly #turns: Semaphore;
  readonly #allocator: Allocator;
  readonly #starts = new TaskSet();
  readonly #removals = new TaskSet();
  #closed = false;
  #listener: PoolListener | undefined;
  #observer: PoolObserver | undefined;

  /** An empty pool. */
  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#turns = new Semaphore(options.parallelStarts);
    this.#allocator = new Allocator({
      ledger: options.ledger,
      spares: options.spares,
      evictable: () => this.#functions.evictable(),
      remove: (pooled) => this.#remove(pooled),
      onFreed: () => this.#roomFreed(),
    });
  }

  /** Whom to tell when something comes free; one listener. */
  listen(listener: PoolListener): void {
    this.#listener = listener;
  }

  /** Who counts what becomes of instances; one observer. */
  observe(observer: PoolObserver): void {
    this.#observer = observer;
  }

  /**
   * Leases an instance for one call, if one can take it now.
   *
   * @returns undefined if none can
   */
  tryLease(record: FunctionRecord): Lease | undefined {
    const pooled = this.#functions.get(record.version)?.acquire();
    if (!pooled) return undefined;
    this.#options.usage?.callStarted(pooled.functionPool.record);
    if (pooled.preWarmed && pooled.served === 1) this.#observer?.preWarmHit(record.name);
    return new Lease(pooled, this);
  }

  /** True if an instance of the function could ever run here: it asks for no more than there is. */
  fits(record: FunctionRecord): boolean {
    const { totalMemory, totalCpu } = this.#ledger.balance;
    return record.memoryMib <= totalMemory && record.cpu <= totalCpu;
  }

  /** True if {@link Pool.tryLease} would succeed. */
  isWarm(record: FunctionRecord): boolean {
    const pool = this.#functions.get(record.version);
    return pool !== undefined && pool.canAcquire(this.#ledger.canUse(record.cpu));
  }

  /**
   * True if that many more instances of a function could be started with the memory and CPU there
   * are, idle instances of others evicted if need be.
   */
  canStart(record: FunctionRecord, count: number): boolean {
    return shortageOf(record, count, this.#supply()) === undefined;
  }

  /** What keeps a function from having that many more instances, or else more calls at once. */
  shortage(record: FunctionRecord, count: number): Shortage {
    const starting = this.#functions.get(record.version)?.starting ?? 0;
    return shortageOf(record, count, this.#supply()) ??
      { lacks: "slots", slots: this.slots(record), starting };
  }

  /** Calls that the starts under way will be able to take. */
  startingSlots(record: FunctionRecord): number {
    return (this.#functions.get(record.version)?.starting ?? 0) * record.maxConcurrency;
  }

  /**
   * Whether one more instance would help those who wait for the function.
   *
   * @param waiting how many wait
   * @param waitedMs how long the first of them has
   * @returns true, or how long to wait before asking again, ms
   */
  needsMore(record: FunctionRecord, waiting: number, waitedMs: number): true | number {
    const pool = this.#functions.get(record.version);
    if (!pool || pool.scaleUp.needsMore({ waiting, waitedMs, slots: pool.slots })) return true;
    return Math.max(1, pool.scaleUp.startMs - waitedMs);
  }

  /** Calls that the function's instances, those being started included, can run at once. */
  slots(record: FunctionRecord): number {
    return this.#functions.get(record.version)?.slots ?? 0;
  }

  /** True if the function has an instance, or one is being started. */
  has(record: FunctionRecord): boolean {
    return this.#functions.get(record.version)?.empty === false;
  }

  /**
   * Starts an instance in the background because requests wait for it; the listener hears how it
   * ended.
   *
   * @returns false if too many are starting already or resources lack
   */
  tryStart(record: FunctionRecord): boolean {
    this.#options.usage?.startRequested(record);
    const turn = this.#closed ? undefined : this.#turns.tryAcquire();
    if (!turn) return false;
    const environment = this.#options.environment(record);
    const grant = this.#allocator.allocateOnDemand(
      demandOf(record),
      () => environment.claim?.(record),
    );
    if (!grant) {
      turn[Symbol.dispose]();
      return false;
    }
    const start = this.#begin(record, async (pool) => {
      using _turn = turn;
      return await this.#launch(pool, grant);
    });
    this.#track(start.catch((error) => {
      this.#listener?.startFailed(record, asServerledgeError(error));
    }));
    return true;
  }

  /**
   * Starts idle instances ahead of demand.
   *
   * @param options.expected true if it is done since a request is expected
   * @param options.guaranteed true if idle instances of others may have to go for them
   * @returns how many were started: fewer than asked for where resources lack
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
        const grant = this.#allocator.ahead(demandOf(record), guaranteed);
        return grant && await this.#launch(pool, grant, expected);
      }));
    for (const start of starts) this.#track(start);
    const started = (await Promise.all(starts)).filter((started) => started).length;
    if (expected && started > 0) this.#observer?.preWarmed(record.name);
    return started;
  }

  /**
   * Starts what lacks to `MinInstances`.
   *
   * @returns how many lacked, and how many of these were started: the memory may be too little
   * @throws the error of a start that failed for another reason, or why an instance that was
   *   started for this has ended before it served anything
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
   * Removes instances that have been idle for too long, except those `MinInstances` needs.
   *
   * @param windowsOf how long idle instances of a function are kept
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

  /** The function was updated or deleted: its instances finish their calls and go. */
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

  /** Instances by function name; functions with none are left out. */
  count(): InstanceCount[] {
    return this.#functions.count();
  }

  /** The running instances of a function, of all its versions. */
  instances(name: string): Instance[] {
    return this.#functions.instances(name);
  }

  /** A lease was given back. For leases only. */
  release(pooled: PooledInstance, executionMs?: number): void {
    if (executionMs !== undefined) pooled.functionPool.scaleUp.observeExecution(executionMs);
    if (pooled.functionPool.release(pooled, this.#clock.now())) return this.close(pooled);
    if (pooled.state !== "closed") this.#listener?.available(pooled.functionPool.record);
  }

  /** A lease has ended. For leases only. */
  leaseEnded(pooled: PooledInstance): void {
    this.#options.usage?.callEnded(pooled.functionPool.record);
  }

  /** Removes an instance. Its resources come free when it is really gone. */
  close(pooled: PooledInstance): void {
    if (pooled.state !== "closed") void this.#remove(pooled);
  }

  /** Removes every instance and waits until all are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const version of [...this.#functions.versions()]) this.retire(version);
    await this.#starts.settled();
    for (const pool of this.#functions.all()) {
      for (const pooled of [...pool.idle, ...pool.busy]) this.close(pooled);
    }
    await this.#removals.settled();
  }

  #supply(): Supply {
    const { balance, freeMemory, freeInstances, warmInstances } = this.#ledger;
    const guarded = this.#functions.guarded();
    return {
      balance,
      reclaimableMemory: freeMemory + balance.warmMemory - guarded.memoryMib,
      reclaimableInstances: freeInstances + warmInstances - guarded.instances,
    };
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
    this.#options.spares?.freed();
  }

  /** Counts a start from its first wish to its end, and takes in the instance that it yields. */
  async #begin(
    record: FunctionRecord,
    attempt: (pool: FunctionPool) => Promise<PooledInstance | undefined>,
  ): Promise<boolean> {
    if (this.#closed) throw new ServerledgeError("SHUTTING_DOWN", "The node is stopping");
    const pool = this.#functions.of(record);
    let pooled: PooledInstance | undefined;
    pool.starting++;
    try {
      pooled = await attempt(pool);
    } finally {
      pool.starting--;
      if (!pooled) this.#functions.forget(pool);
    }
    if (pooled) this.#admit(pooled);
    return pooled !== undefined;
  }

  async #launch(pool: FunctionPool, grant: Allocation, expected = false): Promise<PooledInstance> {
    const { reservation, claim, evicted } = grant;
    const { signal } = pool.abort;
    const startedAt = this.#clock.now();
    try {
      await evicted;
      signal.throwIfAborted();
      const instance = claim
        ? await claim.start(signal)
        : await this.#options.environment(pool.record).start(pool.record, signal);
      const readyAt = this.#clock.now();
      return new PooledInstance(pool, instance, reservation, startedAt, readyAt, expected);
    } catch (error) {
      await claim?.[Symbol.asyncDispose]();
      reservation[Symbol.dispose]();
      throw error;
    }
  }

  #admit(pooled: PooledInstance): void {
    const { functionPool: home, instance, reservation } = pooled;
    if (home.retired) return this.close(pooled);
    reservation.deactivate();
    home.scaleUp.observeStart(pooled.readyAt - pooled.startedAt, instance.tier === "generic");
    home.add(pooled);
    void instance.lost.then(async ({ reason }) => {
      if (pooled.state === "closed") return;
      home.drain(pooled); // at once; it is removed when nothing more is to be seen of it
      const error = await reason;
      log.warn("Lost {instance} of {name}: {error}", {
        instance: instance.id,
        name: home.record.name,
        error: error.message,
      });
      if (pooled.served === 0 && this.#functions.isGuarded(home)) {
        this.#failedBeforeUse.set(home.record.version, error);
      }
      this.close(pooled);
    });
    this.#listener?.available(home.record);
  }

  #track(start: Promise<unknown>): void {
    void this.#starts.add(start.catch(() => {}).then(() => this.#roomFreed()));
  }
}

function demandOf({ memoryMib, cpu }: FunctionRecord): Demand {
  return { memoryMib, cpu };
}
