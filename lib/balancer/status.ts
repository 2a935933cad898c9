/**
 * The status of a balancer.
 *
 * @module
 */

import type { RegistryHealth } from "../registry/registry.ts";
import type { Target } from "./target_table.ts";

/** Response of a balancer's `GET /status`: a node's fields that apply to a region. Memory is in MiB. */
export interface BalancerStatus {
  /** Distinguishes it from a node. */
  readonly Role: "balancer";
  /** Id of the balancer. */
  readonly Node: string;
  readonly Area: string;
  /** Version of the program. */
  readonly Version: string;
  readonly UptimeS: number;
  /** Unix time, s. */
  readonly LastUpdateTime: number;
  /** Memory of all nodes. */
  readonly TotalMemory: number;
  /** Free memory of the healthy nodes. */
  readonly AvailableMemory: number;
  /** CPU of all nodes, cores. */
  readonly TotalCPU: number;
  /** Used CPU of all nodes, cores. */
  readonly UsedCPU: number;
  /** Number of registered functions. */
  readonly Functions: number;
  /** Number of this balancer's requests in flight. */
  readonly Running: number;
  /** Whether the registry responds; if not, why. */
  readonly Registry: { readonly Kind: string; readonly Ok: boolean; readonly Problem?: string };
  readonly Targets: readonly TargetStatus[];
}

/** Status of one node as seen by the balancer. */
export interface TargetStatus {
  /** Id of the node. */
  readonly Node: string;
  /** URL of its API. */
  readonly Url: string;
  /** `amd64` or `arm64`. */
  readonly Architecture: string;
  /** True if it receives requests. */
  readonly Healthy: boolean;
  /** Why it is unhealthy. */
  readonly Problem?: string;
  /** Number of this balancer's requests in flight on it. */
  readonly InFlight: number;
  /** Free memory; null until the node has reported it. */
  readonly AvailableMemory: number | null;
  /** Free CPU, cores; null until the node has reported it. */
  readonly FreeCPU: number | null;
  /** Age of its report, s; null before the first. */
  readonly AgeS: number | null;
}

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
export function balancerStatus(sources: StatusSources): BalancerStatus {
  const { node, targets, registry } = sources;
  const sum = (of: (target: Target) => number) =>
    targets.reduce((total, target) => total + of(target), 0);
  const available = ({ capacity, free }: Target) =>
    capacity ? clamp(free.freeMemoryMib, capacity.totalMemoryMib) : 0;
  const used = ({ capacity, free }: Target) =>
    capacity ? capacity.totalCpu - clamp(free.freeCpu, capacity.totalCpu) : 0;
  return {
    Role: "balancer",
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

function targetStatus({ record, isHealthy, problem, inFlight, free, ageMs }: Target): TargetStatus {
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
