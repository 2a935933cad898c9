/**
 * The status of a balancer.
 *
 * @module
 */

import type { RegistryHealth } from "../registry/registry.ts";
import type { Target } from "./target_table.ts";

/** Response of a balancer's `GET /status`: a node's fields that apply to a region. Memory is in MiB. */
export type BalancerStatus = ReturnType<typeof statusOf>;

/** Status of one node as seen by the balancer. */
export type TargetStatus = BalancerStatus["Targets"][number];

/** Data of a status. */
interface StatusSources {
  readonly node: { readonly id: string; readonly area: string; readonly version: string };
  readonly targets: readonly Target[];
  /** Number of registered functions. */
  readonly functions: number;
  readonly registry: { readonly description: string; readonly health: RegistryHealth };
  readonly uptimeS: number;
  /** Unix time, s. */
  readonly unixTimeS: number;
}

/** Creates the status. */
export const balancerStatus: (sources: StatusSources) => BalancerStatus = statusOf;

function statusOf(sources: StatusSources) {
  const { node, targets, registry } = sources;
  const sum = (of: (target: Target) => number) =>
    targets.reduce((total, target) => total + of(target), 0);
  const available = ({ capacity, free }: Target) =>
    capacity ? clamp(free.freeMemoryMib, capacity.totalMemoryMib) : 0;
  const used = ({ capacity, free }: Target) =>
    capacity ? capacity.totalCpu - clamp(free.freeCpu, capacity.totalCpu) : 0;
  return {
    Role: "balancer" as const,
    Node: node.id,
    Area: node.area,
    Version: node.version,
    UptimeS: sources.uptimeS,
    LastUpdateTime: sources.unixTimeS,
    TotalMemory: sum(({ capacity }) => capacity?.totalMemoryMib ?? 0),
    AvailableMemory: sum((target) => target.isHealthy ? available(target) : 0),
    TotalCPU: sum(({ capacity }) => capacity?.totalCpu ?? 0),
    UsedCPU: sum(used),
    Functions: sources.functions,
    Running: sum(({ inFlight }) => inFlight),
    Registry: {
      Kind: registry.description,
      Ok: registry.health.ok,
      ...(registry.health.ok ? {} : { Problem: registry.health.reason }),
    },
    Targets: targets.map(targetStatus),
  };
}

function targetStatus({ record, isHealthy, problem, inFlight, free, ageMs }: Target) {
  return {
    Node: record.id,
    Url: record.url,
    Architecture: record.architecture,
    Healthy: isHealthy,
    ...(problem === undefined ? {} : { Problem: problem }),
    InFlight: inFlight,
    AvailableMemory: ageMs === undefined ? null : Math.max(0, free.freeMemoryMib),
    FreeCPU: ageMs === undefined ? null : Math.max(0, free.freeCpu),
    AgeS: ageMs === undefined ? null : Math.round(ageMs) / 1000,
  };
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
