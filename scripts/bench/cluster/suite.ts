/**
 * Suite `cluster`: what a node does because it is not alone.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureDecide } from "./decide.ts";
import { measureEtcdAway } from "./etcd_away.ts";
import { measureOffload } from "./offload.ts";
import { measureQos } from "./qos.ts";
import { measureStatusTraffic } from "./status_traffic.ts";

/** Runs the whole suite. */
export async function clusterSuite(results: Results): Promise<void> {
  await measureDecide(results);
  await measureStatusTraffic(results);
  await measureOffload(results);
  await measureQos(results);
  await measureEtcdAway(results);
}
