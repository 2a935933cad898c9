/**
 * Generic instances, which are started in advance without a function and specialized for a function that
 * needs an instance. Their memory is reserved like that of idle instances, but limited to a share of the
 * total. They are evicted first.
 *
 * @module
 */

import { Semaphore } from "../base/async.ts";
import { BackOff } from "../base/back_off.ts";
import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { StandbyPool } from "../base/standby_pool.ts";
import type { FunctionRecord } from "../model/function.ts";
import type {
  ExecutionEnvironment,
  GenericInstance,
  GenericKind,
  Instance,
} from "../runtime/environment.ts";
import type { Candidate } from "./eviction.ts";
import type { ResourceLedger } from "./resource_ledger.ts";

/** Maximum share of the memory for instances, because it is uncertain that generic instances are used. */
const maxShare = 1 / 4;
/** Delay of a refill, ms: a start takes a core, which the last started instance needs for its first call. */
const refillDelayMs = 50;
/** Wait after an eviction, ms: the memory was needed, and may be needed again soon. */
const evictionWaitMs = 1_000;
/** First and longest wait after an instance failed, ms. */
const backOffMs = 1_000;
const maxBackOffMs = 300_000;

const log = logger("pool");

/** Dependencies of the generic instances. */
export interface GenericInstancesOptions {
  readonly environment: Pick<
    ExecutionEnvironment,
    "generic" | "startGeneric" | "onOutdated" | "start"
  >;
  /** Resources of the node. */
  readonly ledger: ResourceLedger;
  readonly clock: Clock;
}

/** Generic instances of one kind. */
interface Group {
  readonly kind: GenericKind;
  /** Names of functions that they can be specialized for. */
  readonly functions: Set<string>;
  readonly standby: StandbyPool<PooledGeneric>;
}

/** Generic instance with its reservation, from before its start until it is taken or removed. */
export class PooledGeneric implements Candidate, AsyncDisposable {
  /** Memory that the instance holds, MiB. */
  readonly memoryMib: number;
  /** Time of the last use; the earliest possible value makes generic instances the first to be evicted. */
  readonly idleSince = -Infinity;
  /** Running instance; undefined until it is started. */
  instance: GenericInstance | undefined;
  readonly #kind: GenericKind;
  readonly #standby: StandbyPool<PooledGeneric>;
  readonly #environment: Pick<ExecutionEnvironment, "start">;
  readonly #release: () => void;
  #disposed: Promise<void> | undefined;

  /**
   * Creates the record of an instance that is about to start.
   *
   * @param environment starts an instance if specialization fails
   * @param release ends its reservation
   */
  constructor(
    { kind, standby }: Group,
    environment: Pick<ExecutionEnvironment, "start">,
    release: () => void,
  ) {
    this.memoryMib = kind.memoryMib;
    this.#kind = kind;
    this.#standby = standby;
    this.#environment = environment;
    this.#release = release;
  }

  /** Resolves when the instance becomes unusable by itself. */
  get ended(): Promise<unknown> | undefined {
    return this.instance?.ended;
  }

  /** Takes the instance for a function. The function's reservation replaces this one in the same tick. */
  take(): void {
    this.#standby.take(this);
    this.#release();
  }

  /**
   * Turns the taken instance into one of the function, or starts one from scratch if that fails for a
   * reason other than the function's code. A failure is the instance's only if that start succeeds.
   *
   * @throws the errors of {@link ExecutionEnvironment.start}
   */
  async specialize(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    let failure: Error | undefined;
    try {
      const specialized = await this.instance!.specialize(fn, signal);
      if (specialized) {
        this.#standby.succeeded();
        return specialized;
      }
    } catch (error) {
      signal.throwIfAborted();
      failure = error as Error;
      if (failure instanceof ServerledgeError && failure.code === "FUNCTION_ERROR") throw failure;
    }
    const started = await this.#environment.start(fn, signal);
    if (failure) {
      this.#standby.failed();
      log.warn("{name} has started without a generic instance of {id}: {message}", {
        name: fn.name,
        id: this.#kind.id,
        message: failure.message,
      });
    }
    return started;
  }

  /** Releases the memory at once and removes the instance. Resolves when it is removed. */
  async evict(): Promise<void> {
    this.#release();
    this.#standby.postpone(evictionWaitMs);
    if (!this.#standby.take(this) && !this.#disposed) await this.#standby.cancelStart();
    await this[Symbol.asyncDispose]();
  }

  /** Removes the instance and releases its memory. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= Promise.resolve(this.instance?.[Symbol.asyncDispose]())
      .finally(() => this.#release());
    return this.#disposed;
  }
}

/** Generic instances of a node. */
export class GenericInstances implements AsyncDisposable {
  readonly #options: GenericInstancesOptions;
  readonly #groups = new Map<string, Group>();
  readonly #reserved = new Set<PooledGeneric>();
  /** Turns of starts, one at a time, because each start takes a core. */
  readonly #turns = new Semaphore(1);

  /** Creates a set without instances. The first function that can use some starts them. */
  constructor(options: GenericInstancesOptions) {
    this.#options = options;
    options.environment.onOutdated?.((kind) => void this.#replaceAll(kind));
  }

  /** Instances that hold memory, ready or starting. */
  get evictable(): PooledGeneric[] {
    return [...this.#reserved];
  }

  /** Memory of all generic instances, MiB. */
  get memoryMib(): number {
    return this.#reserved.values().reduce((sum, { memoryMib }) => sum + memoryMib, 0);
  }

  /** Number of ready instances, by the id of their kind, of kinds that some function could use. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind: { id }, functions, standby } of this.#groups.values()) {
      if (functions.size > 0) counts[id] = (counts[id] ?? 0) + standby.ready.length;
    }
    return counts;
  }

  /**
   * Follows the creation, update or deletion of a function.
   *
   * @param record undefined if the function was deleted
   */
  changed(name: string, record: FunctionRecord | undefined): void {
    const kind = record && this.#options.environment.generic?.(record);
    const key = kind && keyOf(kind);
    for (const [other, { functions, standby }] of this.#groups) {
      if (other !== key && functions.delete(name) && functions.size === 0) void standby.clear();
    }
    if (!kind) return;
    const group = this.#groups.get(keyOf(kind)) ?? this.#newGroup(kind);
    group.functions.add(name);
    group.standby.refill();
  }

  /** Finds an instance that is ready to be specialized for a function. */
  find(record: FunctionRecord): PooledGeneric | undefined {
    const kind = this.#options.environment.generic?.(record);
    return kind && this.#groups.get(keyOf(kind))?.standby.ready[0];
  }

  /** Starts missing instances in the background, as far as memory is free. */
  refill(): void {
    for (const { standby } of this.#groups.values()) standby.refill();
  }

  /** Starts missing instances; resolves when they are ready or cannot be started. */
  async filled(): Promise<void> {
    await Promise.all([...this.#groups.values()].map(({ standby }) => standby.filled()));
  }

  /** Removes all instances. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#groups.values()].map(({ standby }) => standby[Symbol.asyncDispose]()),
    );
  }

  async #replaceAll(kind: GenericKind): Promise<void> {
    const standby = this.#groups.get(keyOf(kind))?.standby;
    await standby?.clear();
    standby?.refill();
  }

  #newGroup(kind: GenericKind): Group {
    const functions = new Set<string>();
    const standby = new StandbyPool<PooledGeneric>({
      size: () => functions.size > 0 ? kind.count : 0,
      start: (signal) => this.#start(group, signal),
      onFailure: (message) => {
        log.warn("Generic instance of {id} {message}", { id: kind.id, message });
      },
      timing: {
        clock: this.#options.clock,
        delayMs: refillDelayMs,
        backOff: new BackOff(backOffMs, maxBackOffMs),
      },
    });
    const group: Group = { kind, functions, standby };
    this.#groups.set(keyOf(kind), group);
    return group;
  }

  async #start(group: Group, signal: AbortSignal): Promise<PooledGeneric | undefined> {
    using _turn = await this.#turns.acquire(signal);
    const generic = this.#reserve(group);
    if (!generic) return undefined;
    try {
      generic.instance = await this.#options.environment.startGeneric!(group.kind, signal);
      return generic.instance && generic;
    } finally {
      if (!generic.instance) await generic[Symbol.asyncDispose]();
    }
  }

  #reserve(group: Group): PooledGeneric | undefined {
    const { environment, ledger } = this.#options;
    const { memoryMib } = group.kind;
    if (this.memoryMib + memoryMib > ledger.balance.totalMemory * maxShare) return undefined;
    const reservation = ledger.tryReserve({ memoryMib, cpu: 0 }, "warm");
    if (!reservation) return undefined;
    const generic = new PooledGeneric(group, environment, () => {
      this.#reserved.delete(generic);
      reservation[Symbol.dispose]();
    });
    this.#reserved.add(generic);
    return generic;
  }
}

/** Identifies a kind: environments choose their ids independently. */
function keyOf({ place, id }: GenericKind): string {
  return `${place} ${id}`;
}
