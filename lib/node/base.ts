/**
 * What all parts of a node are built from.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { BodyBudget } from "../api/body_budget.ts";
import type { Config } from "../config/config.ts";
import type { ResultRoom } from "../runtime/wire/result_room.ts";
import type { NodeHome } from "../cluster/home.ts";

/** What all parts of a node are built from. */
export interface NodeBase {
  /** Its checked configuration. */
  readonly config: Config;
  /** Its folder. */
  readonly home: NodeHome;
  readonly node: { readonly id: string; readonly area: string; readonly architecture: string };
  readonly clock: Clock;
  /** Memory for bodies and long results. */
  readonly bodies: BodyBudget;
  /** Takes what is to be disposed when the node stops, in reverse order. */
  readonly built: AsyncDisposableStack;
}

/**
 * Tells who a node is.
 *
 * @param config its configuration
 */
export function identityOf(config: Config, id: string): NodeBase["node"] {
  const architecture = config["node.architecture"] || machineArchitecture();
  return { id, area: config["registry.area"], architecture };
}

/**
 * Makes a node's memory for bodies and long results.
 *
 * @param config its configuration
 */
export function bodyBudget(config: Config): BodyBudget {
  const chosen = config["api.bodies.memory"] || config["container.pool.memory"] / 8;
  // Room for two requests of the largest size, or one that brings code and what that unpacks to.
  return new BodyBudget(
    Math.max(chosen, 4 * config["api.body.max"], 4 * config["code.max"]) << 20,
  );
}

/** What results of functions may take of that. */
export function resultRoom({ config, bodies }: Pick<NodeBase, "config" | "bodies">): ResultRoom {
  return {
    maxBytes: config["api.result.max"] << 20,
    take: (bytes) => bodies.takeResult(bytes),
  };
}

/** The architecture of this machine, as Docker calls it. */
export function machineArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}
