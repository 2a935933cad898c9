/**
 * Reasons why a pool cannot run another call of a function, as data and as text.
 *
 * @module
 */

import { quantity } from "../base/quantity.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Balance, ResourceLedger } from "./resource_ledger.ts";

/** Resource that a pool lacks for more calls of a function. */
export type Shortage =
  | {
    readonly lacks: "memory" | "cpu" | "descriptors";
    /** Demand of the instances to start: MiB, cores or number of instances. */
    readonly asked: number;
    /** Free resources, including those that idle instances would release. */
    readonly free: number;
    readonly total: number;
    /** Number of instances to start. */
    readonly instances: number;
  }
  | {
    readonly lacks: "slots";
    /** Calls that the function's instances, including starting ones, can run at once. */
    readonly slots: number;
    /** Number of instances that are starting. */
    readonly starting: number;
  };

/** Resources available for new instances. */
export interface Supply {
  /** Resources of the node. */
  readonly balance: Balance;
  /** Memory that is free or held by evictable instances, MiB. */
  readonly reclaimableMemory: number;
  /** Number of instances that may be added, counting evictable ones as free. */
  readonly reclaimableInstances: number;
}

/**
 * Returns what is available.
 *
 * @param guarded idle instances that may not be evicted
 */
export function supplyOf(
  { balance, freeMemory, freeInstances, warmInstances }: ResourceLedger,
  guarded: { readonly instances: number; readonly memoryMib: number },
): Supply {
  return {
    balance,
    reclaimableMemory: freeMemory + balance.warmMemory - guarded.memoryMib,
    reclaimableInstances: freeInstances + warmInstances - guarded.instances,
  };
}

/**
 * Finds the resource that does not suffice for a number of new instances.
 *
 * @returns undefined if memory, CPU and descriptors suffice
 */
export function shortageOf(
  record: Pick<FunctionRecord, "memoryMib" | "cpu">,
  instances: number,
  { balance, reclaimableMemory, reclaimableInstances }: Supply,
): Shortage | undefined {
  const memory = instances * record.memoryMib;
  if (memory > reclaimableMemory) {
    const free = Math.max(0, reclaimableMemory);
    return { lacks: "memory", asked: memory, free, total: balance.totalMemory, instances };
  }
  if (instances > reclaimableInstances) {
    const free = Math.max(0, reclaimableInstances);
    const total = balance.totalInstances;
    return { lacks: "descriptors", asked: instances, free, total, instances };
  }
  const cpu = instances * record.cpu;
  const freeCpu = balance.totalCpu - balance.usedCpu;
  // Sums of fractions may differ in their last digits.
  if (rounded(cpu) <= rounded(freeCpu)) return undefined;
  return { lacks: "cpu", asked: cpu, free: freeCpu, total: balance.totalCpu, instances };
}

/** Describes a shortage: resource, demand, free amount, and the key or option that changes it. */
export function shortageInWords(
  shortage: Shortage,
  { name, maxConcurrency }: Pick<FunctionRecord, "name" | "maxConcurrency">,
): string {
  if (shortage.lacks === "slots") {
    const { slots, starting } = shortage;
    const starts = starting > 0 ? ` (${starting} of its instances are starting)` : "";
    const inUse = slots === 1
      ? `the only slot of "${name}" is`
      : `all ${slots} slots of "${name}" are`;
    return `${inUse} in use${starts}; an instance runs at most ${
      quantity(maxConcurrency, "request")
    } at once (MaxConcurrency), and container.starts limits how many instances start at once`;
  }
  const { lacks, asked, free, total, instances } = shortage;
  const whom = instances === 1 ? "one more instance" : `${instances} more instances`;
  if (lacks === "descriptors") {
    return `${whom} of "${name}" cannot be started: the file descriptors of this process ` +
      `(ulimit -n) suffice for ${quantity(total, "instance")}, of which ${free} are free`;
  }
  const [unit, option, key] = lacks === "memory"
    ? ["MiB of memory", "MemoryMB", "container.pool.memory"]
    : ["CPUs", "CPUDemand", "container.pool.cpus"];
  return `${whom} of "${name}" would need ${rounded(asked)} ${unit} (${option}), but only ` +
    `${rounded(free)} of ${total} are free (${key})`;
}

function rounded(amount: number): number {
  return Math.round(amount * 1000) / 1000;
}
