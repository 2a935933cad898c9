/**
 * Ledger of a node's memory, CPU and instance count. Every user of resources holds a reservation, whose
 * disposal releases them once, so resources cannot be released twice.
 *
 * @module
 */

import assert from "node:assert/strict";

/** Resources that one instance needs. */
export interface Demand {
  /** Memory held for the lifetime of the instance, MiB. */
  readonly memoryMib: number;
  /** CPU held while the instance is busy, cores; 0 if not accounted. */
  readonly cpu: number;
  /** Number of instances that the demand counts as; defaults to 1. */
  readonly instances?: number;
}

/** Snapshot of reserved and total resources. Memory in MiB, CPU in cores. */
export interface Balance {
  /** Total memory for instances. */
  readonly totalMemory: number;
  /** Memory of busy and starting instances. */
  readonly busyMemory: number;
  /** Memory of idle instances. */
  readonly warmMemory: number;
  /** Total CPU for busy instances. */
  readonly totalCpu: number;
  /** CPU of busy and starting instances. */
  readonly usedCpu: number;
  /** Maximum number of instances, `Infinity` if unlimited. */
  readonly totalInstances: number;
}

type State = "busy" | "warm" | "released";

/** Converts cores to thousandths of a core, because sums of these return exactly to zero. */
const milli = (cpu: number): number => Math.round(cpu * 1000);

/** Memory and CPU held by one instance. */
export class Reservation implements Disposable {
  readonly #ledger: ResourceLedger;
  readonly #demand: Demand;
  #state: State;

  /** Creates a reservation; for {@link ResourceLedger.tryReserve} only. */
  constructor(ledger: ResourceLedger, demand: Demand, state: "busy" | "warm") {
    this.#ledger = ledger;
    this.#demand = demand;
    this.#state = state;
  }

  /**
   * Takes the CPU of an idle instance that becomes busy.
   *
   * @returns false, with nothing changed, if too little CPU is free
   */
  activate(): boolean {
    assert(this.#state === "warm", "only an idle instance can become busy");
    if (!this.#ledger.canUse(this.#demand.cpu)) return false;
    this.#ledger.move(this.#demand, this.#state, "busy");
    this.#state = "busy";
    return true;
  }

  /** Releases the CPU, if any, and keeps the memory of an instance that becomes idle. */
  deactivate(): void {
    assert(this.#state !== "released", "a removed instance cannot become idle");
    this.#ledger.move(this.#demand, this.#state, "warm");
    this.#state = "warm";
  }

  /** Releases everything; idempotent. */
  [Symbol.dispose](): void {
    if (this.#state === "released") return;
    this.#ledger.move(this.#demand, this.#state, "released");
    this.#state = "released";
  }
}

/** Resources of a node and their reservations. */
export class ResourceLedger {
  readonly #total: Demand;
  readonly #maxInstances: number;
  #busyInstances = 0;
  #warmInstances = 0;
  #busyMemory = 0;
  #warmMemory = 0;
  #usedMilliCpu = 0;

  /**
   * Creates a ledger without reservations.
   *
   * @param total resources of the node; the number of instances is unlimited if `instances` is omitted
   */
  constructor(total: Demand) {
    this.#total = total;
    this.#maxInstances = total.instances ?? Infinity;
  }

  /** Snapshot of reserved and total resources. */
  get balance(): Balance {
    return {
      totalMemory: this.#total.memoryMib,
      busyMemory: this.#busyMemory,
      warmMemory: this.#warmMemory,
      totalCpu: this.#total.cpu,
      usedCpu: this.#usedMilliCpu / 1000,
      totalInstances: this.#maxInstances,
    };
  }

  /** Unreserved memory, MiB. */
  get freeMemory(): number {
    return this.#total.memoryMib - this.#busyMemory - this.#warmMemory;
  }

  /** Number of instances that may still be added. */
  get freeInstances(): number {
    return this.#maxInstances - this.#busyInstances - this.#warmInstances;
  }

  /** Number of idle instances. */
  get warmInstances(): number {
    return this.#warmInstances;
  }

  /** Memory that no busy instance holds, MiB; reported in response headers. */
  get availableMemory(): number {
    return this.#total.memoryMib - this.#busyMemory;
  }

  /** CPU that no busy instance holds, cores. */
  get freeCpu(): number {
    return this.#total.cpu - this.#usedMilliCpu / 1000;
  }

  /** Tells whether the given CPU, in cores, is free. */
  canUse(cpu: number): boolean {
    return this.#usedMilliCpu + milli(cpu) <= milli(this.#total.cpu);
  }

  /**
   * Reserves resources for an instance that is about to start.
   *
   * @param state `busy` reserves memory and CPU, `warm` only memory
   * @returns undefined, with nothing changed, if too little is free
   */
  tryReserve(demand: Demand, state: "busy" | "warm"): Reservation | undefined {
    if (demand.memoryMib > this.freeMemory || instancesOf(demand) > this.freeInstances) {
      return undefined;
    }
    if (state === "busy" && !this.canUse(demand.cpu)) return undefined;
    this.move(demand, "released", state);
    return new Reservation(this, demand, state);
  }

  /** Records a change of state; for reservations only. */
  move(demand: Demand, from: State, to: State): void {
    this.#account(demand, from, -1);
    this.#account(demand, to, 1);
    assert(
      this.#busyMemory >= 0 && this.#warmMemory >= 0 && this.#usedMilliCpu >= 0 &&
        this.freeMemory >= 0 && this.freeInstances >= 0,
      "the resource ledger is inconsistent",
    );
  }

  #account(demand: Demand, state: State, sign: 1 | -1): void {
    if (state === "busy") {
      this.#busyMemory += sign * demand.memoryMib;
      this.#busyInstances += sign * instancesOf(demand);
      this.#usedMilliCpu += sign * milli(demand.cpu);
    } else if (state === "warm") {
      this.#warmMemory += sign * demand.memoryMib;
      this.#warmInstances += sign * instancesOf(demand);
    }
  }
}

function instancesOf({ instances = 1 }: Demand): number {
  return instances;
}
