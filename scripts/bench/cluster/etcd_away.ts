/**
 * Load on a continuum whose etcd is away: nobody may notice.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startCloud, startEdge } from "../../continuum/continuum.ts";
import { edgeCapacity, measuredSizes } from "../../continuum/model.ts";
import { entriesOf, loadOf, userRate } from "../../continuum/users.ts";
import { measureLoad } from "../../experiments/measure.ts";
import type { Results } from "../results.ts";

/** How long etcd is away, s, unless `BENCH_ETCD_AWAY_S` tells: longer than a lease lives. */
const defaultSeconds = 60;
/** Load, as a multiple of what the edge can serve: some of it has to go to the cloud. */
const loadFactor = 1.2;

/** Counts the requests that were not answered with a result while etcd was away. */
export async function measureEtcdAway(results: Results): Promise<void> {
  const seconds = Number(Deno.env.get("BENCH_ETCD_AWAY_S") ?? defaultSeconds);
  assert(
    seconds > 0 && seconds <= 3600,
    "BENCH_ETCD_AWAY_S: expected a number of seconds above 0 and up to 3600",
  );
  await using cloud = await startCloud(measuredSizes);
  await using edge = await startEdge(cloud, "edgecloud");
  const users = loadFactor * edgeCapacity(cloud.sizes) / userRate;
  await cloud.continuum.etcd.kill();
  const { total } = await measureLoad(
    edge.nodes[0]!.url,
    loadOf(users, entriesOf(edge.nodes)),
    { warmUpS: 0, windowS: seconds, windows: 1 },
    new AbortController().signal,
  );
  await cloud.continuum.etcd.restart();
  const offloaded = total.server!.where.filter(({ area }) => area === "CLOUD");
  assert(offloaded.length > 0, "none of the load was offloaded");
  for (const [outcome, message] of Object.entries(total.messages)) {
    console.log(`  ${total.outcomes[outcome]} ${outcome}, the first: ${message}`);
  }
  results.add("etcd_away_failed", "requests", [total.failed]);
  results.add("etcd_away_served", "requests", [total.ok]);
}
