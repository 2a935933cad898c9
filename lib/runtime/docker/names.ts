/**
 * Names and labels of a node's containers and networks.
 *
 * @module
 */

import { randomId } from "../../base/ids.ts";

/** Label with the id of the node that created a container or network. */
export const nodeLabel = "serverledge.node";
/** Label with the name of the function that a container runs. */
export const functionLabel = "serverledge.function";
/** Label with the id of the runtime of a generic container. */
export const runtimeLabel = "serverledge.runtime";

/** Maximum length of the part of a function's name in a container's name. */
const maxNamePart = 40;

/**
 * Creates a name for a container.
 *
 * @param what the function's name, or another purpose of the container
 */
export function containerName(what: string): string {
  return `serverledge-${what.slice(0, maxNamePart)}-${randomId(10)}`;
}
