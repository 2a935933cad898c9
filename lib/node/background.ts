/**
 * Background services of a node: started after its other parts and stopped before them. What a service
 * has to say of its health is a method of it; its metrics it registers itself.
 *
 * @module
 */

import type { BackgroundService } from "./base.ts";
import { startPlanning } from "./planning.ts";
import type { NodeParts } from "./services.ts";

type Parts = Omit<NodeParts, "background">;

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
