/**
 * What a balancer tells of itself.
 *
 * @module
 */

import type { RegistryHealth } from "../registry/registry.ts";
import type { Target } from "./target_table.ts";

/** Answer of a balancer's `GET /status`: the fields of a node's that make sense for a region. Memory is MiB. */
export interface BalancerStatus {
  /** Tells it from a node. */
  readonly Role: "balancer";
  /** Its id. */
  readonly Node: string;
  /** Its area. */
  readonly Area: string;
  /** Version of the program. */
  readonly Version: string;
  /** How long it has run, s. */
  readonly UptimeS: number;
  /** Unix time, s. */
  readonly LastUpdateTime: number;
  /** Of all nodes. */
  readonly TotalMemory: number;
  /** Of all healthy nodes: total less what busy instances hold. */
  readonly AvailableMemory: number;
  /** Of all nodes. */
  readonly TotalCPU: number;
  /** Of all nodes. */
  readonly UsedCPU: number;
  /** Registered functions. */
  readonly Functions: number;
  /** Requests under way. */
  readonly Running: number;
  /** Whether the registry answers. */
  readonly Registry: { readonly Kind: string; readonly Ok: boolean; readonly Problem?: string };
  /** The nodes, by id. */
  readonly Targets: readonly TargetStatus[];
}

/** One node as its balancer sees it. */
export interface TargetStatus {
  /** Its id. */
  readonly Node: string;
  /** Where its API is. */
  readonly Url: string;
  /** `amd64` or `arm64`. */
  readonly Architecture: string;
  /** Whether it gets requests. */
  readonly Healthy: boolean;
  /** Why not. */
  readonly Problem?: string;
  /** Requests of this balancer under way on it. */
  readonly InFlight: number;
  /** Memory that instances can take, MiB; null until it has told. */
  readonly AvailableMemory: number | null;
  /** CPU that no busy instance holds, cores; null until it has told. */
  readonly FreeCPU: number | null;
  /** Age of what it told, s; null until it has told. */
  readonly AgeS: number | null;
}

/** What a status is made of. */
export interface StatusSources {
  /** Who the balancer is. */
  readonly node: { readonly id: string; readonly area: string; readonly version: string };
  /** The nodes. */
  readonly targets: readonly Target[];
  /** Registered functions. */
  readonly functions: number;
  /** The registry, and whether it answers. */
  readonly registry: { readonly description: string; readonly health: RegistryHealth };
  /** How long the balancer has run, s. */
  readonly uptimeS: number;
  /** Unix time, s. */
  readonly unixTimeS: number;
}

/**
 * Makes the status.
 *
 * @param sources what it is made of
 */
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
