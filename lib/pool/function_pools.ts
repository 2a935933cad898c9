/**
 * Instances of all functions, by version.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Instance } from "../runtime/environment.ts";
import { FunctionPool, type PooledInstance } from "./function_pool.ts";

/** Number of instances of one function by state. */
export interface InstanceCount {
  /** Name of the function. */
  readonly name: string;
  starting: number;
  /** Number of instances with at least one call. */
  busy: number;
  /** Number of ready instances without a call. */
  idle: number;
}

/** Pools of all versions of all functions that have instances. */
export class FunctionPools {
  readonly #pools = new Map<string, FunctionPool>();
  /** Pools with `MinInstances`. They are few and are read at each eviction. */
  readonly #guarded = new Set<FunctionPool>();

  /** Returns the pool of a version, if there is one. */
  get(version: string): FunctionPool | undefined {
    return this.#pools.get(version);
  }

  /** Returns the pool of a version, creating it if needed. */
  of(record: FunctionRecord): FunctionPool {
    let pool = this.#pools.get(record.version);
    if (!pool) {
      pool = new FunctionPool(record);
      this.#pools.set(record.version, pool);
      if (record.minInstances > 0) this.#guarded.add(pool);
    }
    return pool;
  }

  /** Removes a pool if it is empty. */
  forget(pool: FunctionPool): void {
    // A newer pool of the same version may have replaced it.
    if (!pool.empty || this.#pools.get(pool.record.version) !== pool) return;
    this.#pools.delete(pool.record.version);
    this.#guarded.delete(pool);
  }

  /** Ends the guarantee of `MinInstances` of a pool. */
  unguard(pool: FunctionPool): void {
    this.#guarded.delete(pool);
  }

  /** Tells whether the pool's `MinInstances` are guaranteed. */
  isGuarded(pool: FunctionPool): boolean {
    return this.#guarded.has(pool);
  }

  /** Returns number and memory (MiB) of the idle instances that `MinInstances` protects from eviction. */
  guarded(): { readonly instances: number; readonly memoryMib: number } {
    let instances = 0;
    let memoryMib = 0;
    for (const pool of this.#guarded) {
      const kept = pool.idle.length - pool.evictable.length;
      instances += kept;
      memoryMib += kept * pool.record.memoryMib;
    }
    return { instances, memoryMib };
  }

  /** Returns the versions that have a pool. */
  versions(): Iterable<string> {
    return this.#pools.keys();
  }

  /** Returns all pools. */
  all(): Iterable<FunctionPool> {
    return this.#pools.values();
  }

  /** Returns the idle instances that may be evicted. */
  evictable(): PooledInstance[] {
    return [...this.all()].flatMap((pool) => pool.evictable);
  }

  /** Counts instances by function; functions without any are omitted. */
  count(): InstanceCount[] {
    const counts = new Map<string, InstanceCount>();
    for (const { record: { name }, starting, busy, idle } of this.all()) {
      const count = counts.get(name) ?? { name, starting: 0, busy: 0, idle: 0 };
      count.starting += starting;
      count.busy += busy.size;
      count.idle += idle.length;
      counts.set(name, count);
    }
    return [...counts.values()];
  }

  /** Returns the running instances of all versions of a function. */
  instances(name: string): Instance[] {
    return [...this.all()]
      .filter((pool) => pool.record.name === name)
      .flatMap((pool) => [...pool.idle, ...pool.busy].map((pooled) => pooled.instance));
  }
}
