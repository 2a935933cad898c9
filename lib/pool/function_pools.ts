/**
 * The instances of all functions, by version.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Instance } from "../runtime/environment.ts";
import { FunctionPool, type PooledInstance } from "./function_pool.ts";

/** Instances of one function, counted. */
export interface InstanceCount {
  /** Name of the function. */
  readonly name: string;
  /** Being started. */
  starting: number;
  /** With at least one call. */
  busy: number;
  /** Ready and without a call. */
  idle: number;
}

/** Pools of all versions of all functions that have instances. */
export class FunctionPools {
  readonly #pools = new Map<string, FunctionPool>();
  /** Pools with `MinInstances`: few, and asked at each eviction. */
  readonly #guarded = new Set<FunctionPool>();

  /** The pool of a version; undefined if it has none. */
  get(version: string): FunctionPool | undefined {
    return this.#pools.get(version);
  }

  /** The pool of a version, a new one if it has none. */
  of(record: FunctionRecord): FunctionPool {
    let pool = this.#pools.get(record.Version);
    if (!pool) {
      pool = new FunctionPool(record);
      this.#pools.set(record.Version, pool);
      if (record.MinInstances > 0) this.#guarded.add(pool);
    }
    return pool;
  }

  /** Removes a pool that has become empty. */
  forget(pool: FunctionPool): void {
    // A newer pool of the same version may have taken its place.
    if (!pool.empty || this.#pools.get(pool.record.Version) !== pool) return;
    this.#pools.delete(pool.record.Version);
    this.#guarded.delete(pool);
  }

  /** Ends the guarantee of `MinInstances` for a pool. */
  unguard(pool: FunctionPool): void {
    this.#guarded.delete(pool);
  }

  /** True if `MinInstances` is guaranteed to a pool. */
  isGuarded(pool: FunctionPool): boolean {
    return this.#guarded.has(pool);
  }

  /** Idle instances that `MinInstances` keeps from eviction: their number, and their memory in MiB. */
  guarded(): { readonly instances: number; readonly memoryMib: number } {
    let instances = 0;
    let memoryMib = 0;
    for (const pool of this.#guarded) {
      const kept = pool.idle.length - pool.evictable.length;
      instances += kept;
      memoryMib += kept * pool.record.MemoryMB;
    }
    return { instances, memoryMib };
  }

  /** Versions that have a pool. */
  versions(): Iterable<string> {
    return this.#pools.keys();
  }

  /** All pools. */
  all(): Iterable<FunctionPool> {
    return this.#pools.values();
  }

  /** Idle instances that may be removed. */
  evictable(): PooledInstance[] {
    return [...this.all()].flatMap((pool) => pool.evictable);
  }

  /** Instances by function name; functions with none are left out. */
  count(): InstanceCount[] {
    const counts = new Map<string, InstanceCount>();
    for (const { record: { Name: name }, starting, busy, idle } of this.all()) {
      const count = counts.get(name) ?? { name, starting: 0, busy: 0, idle: 0 };
      count.starting += starting;
      count.busy += busy.size;
      count.idle += idle.length;
      counts.set(name, count);
    }
    return [...counts.values()];
  }

  /** The running instances of a function, of all its versions. */
  instances(name: string): Instance[] {
    return [...this.all()]
      .filter((pool) => pool.record.Name === name)
      .flatMap((pool) => [...pool.idle, ...pool.busy].map((pooled) => pooled.instance));
  }
}
