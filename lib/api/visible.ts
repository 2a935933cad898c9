/**
 * Leaves out functions that a client may not see.
 *
 * @module
 */

import type { Principal } from "../access/principal.ts";
import type { NodeStatus } from "../model/status.ts";

const functionLabel = /[{,]function="((?:[^"\\]|\\.)*)"/;

/** Returns the status without instances of functions that the client may not see. */
export function visibleStatus(status: NodeStatus, principal: Principal): NodeStatus {
  const isVisible = (name: string) => principal.may("view", name);
  const warm = Object.entries(status.availableWarmContainers);
  return {
    ...status,
    availableWarmContainers: Object.fromEntries(warm.filter(([name]) => isVisible(name))),
    instances: status.instances.filter(({ functionName }) => isVisible(functionName)),
  };
}

/** Returns the metrics without series of functions that the client may not see. */
export function visibleMetrics(text: string, principal: Principal): string {
  // No function has this name: a client that may see it may see all.
  if (principal.may("view", "*")) return text;
  return text.split("\n").filter((line) => {
    const name = functionLabel.exec(line)?.[1];
    return name === undefined || principal.may("view", name);
  }).join("\n");
}
