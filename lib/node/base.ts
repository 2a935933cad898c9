/**
 * What all parts of a node are built from.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Config } from "../config/config.ts";
import type { NodeHome } from "../cluster/home.ts";

/** What all parts of a node are built from. */
export interface NodeBase {
  /** Its checked configuration. */
  readonly config: Config;
  /** Its folder. */
  readonly home: NodeHome;
  readonly node: { readonly id: string; readonly area: string; readonly architecture: string };
  readonly clock: Clock;
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

/** The architecture of this machine, as Docker calls it. */
export function machineArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}
