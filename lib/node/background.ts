/**
 * Background services of a node, started last before the HTTP server and stopped right after it. A
 * service reports its problems by a method, and registers its metrics itself.
 *
 * @module
 */

import type { BackgroundService } from "./base.ts";
import { startPlanning } from "./planning.ts";
import type { NodeParts } from "./services.ts";

type Parts = Omit<NodeParts, "background" | "listen">;

/** Start one service each; one that the configuration does not ask for is undefined. */
const starts: readonly ((parts: Parts) => BackgroundService | undefined)[] = [startPlanning];

/**
 * Starts the services.
 *
 * @returns those that run
 */
export function startBackground(parts: Parts): BackgroundService[] {
  return starts.flatMap((start) => {
    const service = start(parts);
    return service ? [parts.built.use(service)] : [];
  });
}
