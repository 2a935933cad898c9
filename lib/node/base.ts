/**
 * Common dependencies of all parts of a node.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { BodyBudget } from "../api/body_budget.ts";
import type { Config } from "../config/config.ts";
import type { ResultMemory } from "../runtime/wire/result_memory.ts";
import type { NodeHome } from "../cluster/home.ts";
import type { ClusterAuth } from "../cluster/trust/cluster_auth.ts";
import type { Predecessor } from "./handover/predecessor.ts";
import { randomId } from "../base/ids.ts";

const mib = 2 ** 20;

/** Common dependencies of all parts of a node. */
export interface NodeBase {
  /** Validated configuration. */
  readonly config: Config;
  readonly home: NodeHome;
  readonly node: {
    readonly id: string;
    readonly area: string;
    readonly architecture: string;
    /** Id of this process. */
    readonly incarnation: string;
  };
  /** Authentication between the nodes of the cluster; undefined without a secret. */
  readonly auth: ClusterAuth | undefined;
  readonly clock: Clock;
  /** The former process of this node, from which this one takes over; usually there is none. */
  readonly predecessor: Predecessor | undefined;
  /** Memory budget for bodies and long results. */
  readonly bodies: BodyBudget;
  /** Owns what is disposed when the node stops, in reverse order. */
  readonly built: AsyncDisposableStack;
}

/** Something that a node does besides serving requests. */
export type BackgroundService = (Disposable | AsyncDisposable) & {
  /** Problems, e.g. `policy: ...`; none while all is well. */
  problems(): readonly string[];
};

/** Determines a node's identity. */
export function identityOf(config: Config, id: string): NodeBase["node"] {
  const architecture = config["node.architecture"] || machineArchitecture();
  return { id, area: config["registry.area"], architecture, incarnation: randomId(12) };
}

/** Creates the memory budget of a node for bodies and long results. */
export function bodyBudget(config: Config): BodyBudget {
  const chosen = config["api.bodies.memory"] || config["container.pool.memory"] / 8;
  // Enough for two requests of maximum size, or one with code and its unpacked files.
  return new BodyBudget(
    Math.max(chosen, 4 * config["api.body.max"], 4 * config["code.max"]) * mib,
  );
}

/** The part of the budget that results of functions may use. */
export function resultMemory(
  { config, bodies }: Pick<NodeBase, "config" | "bodies">,
): ResultMemory {
  return {
    maxBytes: config["api.result.max"] * mib,
    take: (bytes) => bodies.takeResult(bytes),
  };
}

/** The architecture of this machine, in Docker's terms. */
export function machineArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}
