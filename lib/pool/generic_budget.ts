/**
 * The memory of spares: booked in the ledger like that of idle instances, bounded to a share of it,
 * and the first to be taken back.
 *
 * @module
 */

import type { SpareBudget } from "../runtime/environment.ts";
import type { Candidate } from "./eviction.ts";
import type { Reservation, ResourceLedger } from "./resource_ledger.ts";

/** Most of the memory for instances that spares may hold: they are a guess, instances are not. */
const maxShare = 1 / 4;

/** A spare, as far as the books know it. */
export interface ReservedGeneric extends Candidate {
  /** Gives its memory back at once, and removes it. @returns when it is gone */
  evict(): Promise<void>;
}

/** Gives memory for spares from a ledger. */
export class GenericBudget implements SpareBudget {
  readonly #ledger: ResourceLedger;
  readonly #spares = new Map<Reservation, ReservedGeneric>();
  readonly #listeners: (() => void)[] = [];

  /**
   * No spare is booked yet.
   *
   * @param ledger the node's
   */
  constructor(ledger: ResourceLedger) {
    this.#ledger = ledger;
  }

  /** Spares that hold memory. */
  get reserved(): ReservedGeneric[] {
    return [...this.#spares.values()];
  }

  /** What they hold together, MiB. */
  get memoryMib(): number {
    return this.#spares.values().reduce((sum, spare) => sum + spare.memoryMib, 0);
  }

  /** See {@link SpareBudget.reserve}. */
  reserve(memoryMib: number, evict: () => Promise<void>): Disposable | undefined {
    const most = this.#ledger.balance.totalMemory * maxShare;
    if (this.memoryMib + memoryMib > most) return undefined;
    const reservation = this.#ledger.tryReserve({ memoryMib, cpu: 0 }, "warm");
    if (!reservation) return undefined;
    const giveBack = () => {
      this.#spares.delete(reservation);
      reservation[Symbol.dispose]();
    };
    this.#spares.set(reservation, {
      memoryMib,
      idleSince: -Infinity, // before any instance
      evict: () => {
        giveBack();
        return evict();
      },
    });
    return { [Symbol.dispose]: giveBack };
  }

  /** See {@link SpareBudget.onMemoryFreed}. */
  onMemoryFreed(memoryFreed: () => void): void {
    this.#listeners.push(memoryFreed);
  }

  /** Memory has come free. */
  freed(): void {
    for (const listener of this.#listeners) listener();
  }
}
