/**
 * The ledger of a node's memory, CPU and places for instances. Whatever takes resources holds a reservation and disposes
 * it once; so nothing can leak or be given back twice.
 *
 * @module
 */

import assert from "node:assert/strict";

/** Resources of one instance. */
export interface Demand {
  /** Memory that the instance holds as long as it lives, MiB. */
  readonly memoryMib: number;
  /** CPU that it holds while it is busy, cores; 0 if not accounted. */
  readonly cpu: number;
  /** Instances that it counts as; 1 if absent. */
  readonly instances?: number;
}

/** What is held and what is free, at one moment. Memory in MiB, CPU in cores. */
export interface Balance {
  /** Memory for instances in all. */
  readonly totalMemory: number;
  /** Memory of busy and starting instances. */
  readonly busyMemory: number;
  /** Memory of idle instances. */
  readonly warmMemory: number;
  /** CPU for busy instances in all. */
  readonly totalCpu: number;
  /** CPU of busy and starting instances. */
  readonly usedCpu: number;
  /** Most instances that there may be; no limit: Infinity. */
  readonly totalInstances: number;
}

type State = "busy" | "warm" | "released";

/** CPU is booked in thousandths of a core: sums of fractions must come back to zero. */
const milli = (cpu: number): number => Math.round(cpu * 1000);

/** Memory and CPU held by one instance. */
export class Reservation implements Disposable {
  readonly #ledger: Ledger;
  readonly #demand: Demand;
  #state: State;

  /** Made by {@link Ledger.tryReserve} only. */
  constructor(ledger: Ledger, demand: Demand, state: "busy" | "warm") {
    this.#ledger = ledger;
    this.#demand = demand;
    this.#state = state;
  }

  /**
   * The instance goes to work: takes its CPU.
   *
   * @returns false if too little CPU is free; nothing has changed then
   */
  activate(): boolean {
    assert(this.#state === "warm", "only an idle instance can go to work");
    if (!this.#ledger.canUse(this.#demand.cpu)) return false;
    this.#ledger.move(this.#demand, this.#state, "busy");
    this.#state = "busy";
    return true;
  }

  /** The instance is idle: gives its CPU back, if it has any, and keeps its memory. */
  rest(): void {
    assert(this.#state !== "released", "a removed instance cannot become idle");
    this.#ledger.move(this.#demand, this.#state, "warm");
    this.#state = "warm";
  }

  /** Gives everything back; harmless when done twice. */
  [Symbol.dispose](): void {
    if (this.#state === "released") return;
    this.#ledger.move(this.#demand, this.#state, "released");
    this.#state = "released";
  }
}

/** Resources of a node and what is reserved of them. */
export class Ledger {
  readonly #total: Demand;
  readonly #maxInstances: number;
  #busyInstances = 0;
  #warmInstances = 0;
  #busyMemory = 0;
  #warmMemory = 0;
  #usedMilliCpu = 0;

  /**
   * A ledger in which everything is free.
   *
   * @param total what there is to give; no limit of instances if `instances` is absent
   */
  constructor(total: Demand) {
    this.#total = total;
    this.#maxInstances = total.instances ?? Infinity;
  }

  /** What is held and what is free. */
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

  /** Memory that nothing holds, MiB. */
  get freeMemory(): number {
    return this.#total.memoryMib - this.#busyMemory - this.#warmMemory;
  }

  /** Instances that may still be added. */
  get freeInstances(): number {
    return this.#maxInstances - this.#busyInstances - this.#warmInstances;
  }

  /** Instances that are idle. */
  get warmInstances(): number {
    return this.#warmInstances;
  }

  /** Memory that no busy instance holds, MiB: what an answer's headers tell. */
  get availableMemory(): number {
    return this.#total.memoryMib - this.#busyMemory;
  }

  /** CPU that no busy instance holds, cores. */
  get freeCpu(): number {
    return this.#total.cpu - this.#usedMilliCpu / 1000;
  }

  /** True if that much CPU, in cores, is free. */
  canUse(cpu: number): boolean {
    return this.#usedMilliCpu + milli(cpu) <= milli(this.#total.cpu);
  }

  /**
   * Takes resources for an instance that is about to start.
   *
   * @param demand what it holds
   * @param state `busy` takes its CPU at once, `warm` takes only its memory
   * @returns undefined if too little is free; nothing has changed then
   */
  tryReserve(demand: Demand, state: "busy" | "warm"): Reservation | undefined {
    if (demand.memoryMib > this.freeMemory || instancesOf(demand) > this.freeInstances) {
      return undefined;
    }
    if (state === "busy" && !this.canUse(demand.cpu)) return undefined;
    this.move(demand, "released", state);
    return new Reservation(this, demand, state);
  }

  /** Books a change of state; for reservations only. */
  move(demand: Demand, from: State, to: State): void {
    this.#book(demand, from, -1);
    this.#book(demand, to, 1);
    assert(
      this.#busyMemory >= 0 && this.#warmMemory >= 0 && this.#usedMilliCpu >= 0 &&
        this.freeMemory >= 0 && this.freeInstances >= 0,
      "the ledger does not balance",
    );
  }

  #book(demand: Demand, state: State, sign: 1 | -1): void {
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
