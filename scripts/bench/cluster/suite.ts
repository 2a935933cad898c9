/**
 * Suite `cluster`: what a node does because it is not alone.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureDecide } from "./decide.ts";
import { measureStatusTraffic } from "./status_traffic.ts";

/** Runs the whole suite. */
export async function clusterSuite(results: Results): Promise<void> {
  await measureDecide(results);
  await measureStatusTraffic(results);
}
