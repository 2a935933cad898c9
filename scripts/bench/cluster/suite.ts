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
import { measureSignedHops } from "./signed_hops.ts";
import { measureStatusTraffic } from "./status_traffic.ts";

/** Its benchmarks, in the order in which they run. */
export const clusterParts: Readonly<Record<string, (results: Results) => Promise<void>>> = {
  "decide": measureDecide,
  "status-traffic": measureStatusTraffic,
  "offload": measureOffload,
  "signed-hops": measureSignedHops,
  "qos": measureQos,
  "etcd-away": measureEtcdAway,
};

/** Runs the whole suite. */
export async function clusterSuite(results: Results): Promise<void> {
  for (const measure of Object.values(clusterParts)) await measure(results);
}
