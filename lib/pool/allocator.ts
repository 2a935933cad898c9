/**
 * What a start is granted: memory and CPU, and a spare where there is one. Makes room by eviction.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Claim } from "../runtime/environment.ts";
import { chooseVictims } from "./eviction.ts";
import { PooledInstance } from "./function_pool.ts";
import type { Demand, Reservation, ResourceLedger } from "./resource_ledger.ts";
import type { GenericBudget, ReservedGeneric } from "./generic_budget.ts";

/** What a start is made with. */
export interface Allocation {
  /** Its memory and CPU. */
  readonly reservation: Reservation;
  /** A spare to start it in. */
  readonly claim: Claim | undefined;
  /** Resolves when what was evicted for it is gone. */
  readonly evicted: Promise<unknown>;
}

/** What may be evicted. */
type Victim = PooledInstance | ReservedGeneric;

/** What grants are made of. */
export interface AllocatorOptions {
  /** The node's resources. */
  readonly ledger: ResourceLedger;
  /** The books of the spares, if there are any. */
  readonly spares: GenericBudget | undefined;
  /** Idle instances that may be taken away. */
  readonly evictable: () => PooledInstance[];
  /** Removes an idle instance. */
  readonly remove: (pooled: PooledInstance) => Promise<void>;
  /** Told when memory has come free. */
  readonly onFreed: () => void;
}

/** Grants what starts need. */
export class Allocator {
  readonly #options: AllocatorOptions;

  /** Nothing is granted yet. */
  constructor(options: AllocatorOptions) {
    this.#options = options;
  }

  /**
   * Takes resources for an instance because requests wait for it. Evicts spares and idle instances
   * if that makes room.
   *
   * @param claim takes a spare that it can start in; the spare's memory becomes part of its own
   * @returns undefined if resources lack; nothing has changed then
   */
  allocateOnDemand(demand: Demand, claim: () => Claim | undefined): Allocation | undefined {
    const { ledger } = this.#options;
    if (!ledger.canUse(demand.cpu)) return undefined;
    const claimed = claim();
    const allocateForPreWarm = claimed?.memoryMib ?? 0;
    const own = claimed ? 1 : 0;
    const needed = demand.memoryMib - ledger.freeMemory - allocateForPreWarm;
    const places = 1 - ledger.freeInstances - own;
    if (needed > 0 || places > 0) {
      // The claimed spare is still among the candidates.
      const candidates = this.#candidates();
      if (needed > memoryOf(candidates) - allocateForPreWarm || places > candidates.length - own) {
        return void claimed?.putBack();
      }
    }
    claimed?.release();
    const victims = this.#choose(needed, places);
    assert(victims, "there is as much to evict as there was a moment ago");
    return { ...this.#replace(victims, demand, "busy"), claim: claimed };
  }

  /**
   * Takes memory for an instance that is started ahead of demand.
   *
   * @param guaranteed true if it may push other idle instances out, not only spares, which are for
   *   nobody yet
   * @returns undefined if memory lacks; nothing has changed then
   */
  ahead(demand: Demand, guaranteed: boolean): Allocation | undefined {
    const { ledger, spares } = this.#options;
    const needed = demand.memoryMib - ledger.freeMemory;
    const candidates = guaranteed ? undefined : spares?.reserved ?? [];
    const victims = this.#choose(needed, 1 - ledger.freeInstances, candidates);
    if (!victims) return undefined;
    return { ...this.#replace(victims, demand, "warm"), claim: undefined };
  }

  #candidates(): Victim[] {
    const { spares, evictable } = this.#options;
    return [...spares?.reserved ?? [], ...evictable()];
  }

  #choose(neededMib: number, places: number, candidates?: Victim[]): Victim[] | undefined {
    if (neededMib <= 0 && places <= 0) return [];
    return chooseVictims(candidates ?? this.#candidates(), neededMib, places);
  }

  /**
   * Books the victims' memory over to the new instance at once, so that nobody else takes it. The
   * start has to wait until they are really gone, and so has whoever wants what they hold beyond.
   */
  #replace(victims: Victim[], demand: Demand, state: "busy" | "warm") {
    const { ledger, remove, onFreed: freed } = this.#options;
    const evicted = Promise.all(victims.map((victim) => {
      if (!(victim instanceof PooledInstance)) return victim.evict();
      const removal = remove(victim);
      victim.reservation[Symbol.dispose]();
      return removal;
    }));
    const reservation = ledger.tryReserve(demand, state);
    assert(reservation, "room was made for it");
    if (victims.length === 0) return { reservation, evicted };
    const memoryMib = Math.min(ledger.freeMemory, memoryOf(victims));
    const surplus = ledger.tryReserve({ memoryMib, cpu: 0, instances: 0 }, "warm")!;
    const settled = evicted.finally(() => {
      surplus[Symbol.dispose]();
      freed();
    });
    return { reservation, evicted: settled };
  }
}

function memoryOf(candidates: readonly Victim[]): number {
  return candidates.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
}
