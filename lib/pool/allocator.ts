/**
 * Allocator of memory and CPU for starts, which evicts idle and generic instances if needed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { chooseVictims } from "./eviction.ts";
import { PooledInstance } from "./function_pool.ts";
import type { GenericInstances, PooledGeneric } from "./generic_instances.ts";
import type { Demand, Reservation, ResourceLedger } from "./resource_ledger.ts";

/** Resources allocated for a start. */
export interface Allocation {
  /** Memory and CPU. */
  readonly reservation: Reservation;
  /** Resolves when the evicted instances are removed; the start has to wait for it. */
  readonly evicted: Promise<unknown>;
}

type Victim = PooledInstance | PooledGeneric;

/** Dependencies of an allocator. */
export interface AllocatorOptions {
  /** Resources of the node. */
  readonly ledger: ResourceLedger;
  /** Generic instances, if there are any. */
  readonly generics: GenericInstances | undefined;
  /** Returns the idle instances that may be evicted. */
  readonly evictable: () => PooledInstance[];
  /** Removes an idle instance. */
  readonly remove: (pooled: PooledInstance) => Promise<void>;
  /** Called when memory was freed. */
  readonly onFreed: () => void;
}

/** Allocates resources for starts. */
export class Allocator {
  readonly #options: AllocatorOptions;

  /** Creates an allocator over the ledger, which holds all reservations. */
  constructor(options: AllocatorOptions) {
    this.#options = options;
  }

  /**
   * Allocates memory and CPU for an instance that waiting requests need, evicting generic and idle
   * instances if that suffices.
   *
   * @param generic the generic instance to specialize; it is taken, and its memory becomes part of the
   *   allocation
   * @returns undefined, with nothing changed, if resources are lacking
   */
  allocateOnDemand(demand: Demand, generic?: PooledGeneric): Allocation | undefined {
    const { ledger } = this.#options;
    if (!ledger.canUse(demand.cpu)) return undefined;
    const own = generic ? 1 : 0;
    const neededMib = demand.memoryMib - ledger.freeMemory - (generic?.memoryMib ?? 0);
    const neededCount = 1 - ledger.freeInstances - own;
    const candidates = () => this.#candidates().filter((candidate) => candidate !== generic);
    const victims = choose(candidates, neededMib, neededCount);
    if (!victims) return undefined;
    generic?.take();
    return this.#replace(victims, demand, "busy");
  }

  /**
   * Allocates memory for an instance that is started in advance.
   *
   * @param guaranteed true if idle instances may be evicted too, not only generic ones
   * @returns undefined, with nothing changed, if memory is lacking
   */
  allocateForPreWarm(demand: Demand, guaranteed: boolean): Allocation | undefined {
    const { ledger, generics } = this.#options;
    const candidates = () => guaranteed ? this.#candidates() : generics?.evictable ?? [];
    const neededMib = demand.memoryMib - ledger.freeMemory;
    const victims = choose(candidates, neededMib, 1 - ledger.freeInstances);
    return victims && this.#replace(victims, demand, "warm");
  }

  #candidates(): Victim[] {
    const { generics, evictable } = this.#options;
    return [...generics?.evictable ?? [], ...evictable()];
  }

  /**
   * Transfers the victims' memory to the new instance at once, before another start can reserve it. The
   * rest of their memory stays reserved until they are removed.
   */
  #replace(victims: Victim[], demand: Demand, state: "busy" | "warm"): Allocation {
    const { ledger, remove, onFreed } = this.#options;
    const evicted = Promise.all(victims.map((victim) => {
      if (!(victim instanceof PooledInstance)) return victim.evict();
      const removal = remove(victim);
      victim.reservation[Symbol.dispose]();
      return removal;
    }));
    const reservation = ledger.tryReserve(demand, state);
    assert(reservation, "eviction must free enough");
    if (victims.length === 0) return { reservation, evicted };
    const victimsMib = victims.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
    const memoryMib = Math.min(ledger.freeMemory, victimsMib);
    const surplus = ledger.tryReserve({ memoryMib, cpu: 0, instances: 0 }, "warm")!;
    const settled = evicted.finally(() => {
      surplus[Symbol.dispose]();
      onFreed();
    });
    return { reservation, evicted: settled };
  }
}

/** @param candidates called only if something must be evicted */
function choose(
  candidates: () => Victim[],
  neededMib: number,
  count: number,
): Victim[] | undefined {
  return neededMib <= 0 && count <= 0 ? [] : chooseVictims(candidates(), neededMib, count);
}
