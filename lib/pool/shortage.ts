/**
 * Why a pool cannot run one more call of a function, as data and in words.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Balance } from "./ledger.ts";

/** What a pool lacks for more calls of a function. */
export type Shortage =
  | {
    readonly lacks: "memory" | "cpu" | "descriptors";
    /** Needed by the instances that would have to be started, MiB, cores or how many they are. */
    readonly asked: number;
    /** Free, with what idle instances would give back. */
    readonly free: number;
    /** Of the node, for instances. */
    readonly total: number;
    /** Instances that would have to be started. */
    readonly instances: number;
  }
  | {
    readonly lacks: "places";
    /** Calls that the function's instances can run at once, those being started included. */
    readonly places: number;
    /** Of these instances, how many are being started. */
    readonly starting: number;
  };

/** What there is to give when an instance is asked for. */
export interface Supply {
  /** The node's resources. */
  readonly balance: Balance;
  /** Memory that is free or held by instances that may be evicted, MiB. */
  readonly reclaimableMemory: number;
  /** Instances that may be added, evictable ones replaced. */
  readonly reclaimableInstances: number;
}

/**
 * Finds the resource that does not suffice.
 *
 * @param instances how many would have to be started
 * @returns undefined if memory, CPU and descriptors suffice
 */
export function shortageOf(
  record: Pick<FunctionRecord, "MemoryMB" | "CPUDemand">,
  instances: number,
  { balance, reclaimableMemory, reclaimableInstances }: Supply,
): Shortage | undefined {
  const memory = instances * record.MemoryMB;
  if (memory > reclaimableMemory) {
    const free = Math.max(0, reclaimableMemory);
    return { lacks: "memory", asked: memory, free, total: balance.totalMemory, instances };
  }
  if (instances > reclaimableInstances) {
    const free = Math.max(0, reclaimableInstances);
    const total = balance.totalInstances;
    return { lacks: "descriptors", asked: instances, free, total, instances };
  }
  const cpu = instances * record.CPUDemand;
  const freeCpu = balance.totalCpu - balance.usedCpu;
  // Sums of fractions may be off in their last digits.
  if (rounded(cpu) <= rounded(freeCpu)) return undefined;
  return { lacks: "cpu", asked: cpu, free: freeCpu, total: balance.totalCpu, instances };
}

/**
 * Says what lacks, how much is asked for, how much is free, and which key or option changes it.
 *
 * @param record the function
 */
export function shortageInWords(
  shortage: Shortage,
  { Name, MaxConcurrency }: Pick<FunctionRecord, "Name" | "MaxConcurrency">,
): string {
  if (shortage.lacks === "places") {
    const { places, starting } = shortage;
    const starts = starting > 0 ? `, ${starting} of its instances being started` : "";
    return `all ${places} places of "${Name}" are taken${starts}; an instance takes ` +
      `${MaxConcurrency} at once (MaxConcurrency), and container.starts are started at a time`;
  }
  const { lacks, asked, free, total, instances } = shortage;
  const whom = instances === 1 ? "one more instance" : `${instances} more instances`;
  if (lacks === "descriptors") {
    return `${whom} of "${Name}" cannot be started: the descriptors of this process (ulimit -n) ` +
      `suffice for ${total}, and ${free} of these are free`;
  }
  const [unit, option, key] = lacks === "memory"
    ? ["MiB of memory", "MemoryMB", "container.pool.memory"]
    : ["CPUs", "CPUDemand", "container.pool.cpus"];
  return `${whom} of "${Name}" would take ${rounded(asked)} ${unit} (${option}), ` +
    `and ${rounded(free)} of ${total} are free (${key})`;
}

function rounded(amount: number): number {
  return Math.round(amount * 1000) / 1000;
}
