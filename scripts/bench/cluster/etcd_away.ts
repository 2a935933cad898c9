/**
 * Load on a continuum whose etcd is away: nobody may notice.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  edgeCapacity,
  exampleSizes,
  startCloud,
  startEdge,
} from "../../../examples/cluster/continuum.ts";
import { entriesOf, sendLoad, type Shot } from "../../../examples/cluster/load.ts";
import { count } from "../../../examples/cluster/summary.ts";
import type { Results } from "../results.ts";

/** How long etcd is away, s, unless `BENCH_ETCD_AWAY_S` tells: longer than a lease lives. */
const defaultSeconds = 60;
/** Load, as a multiple of what the edge can serve: some of it has to go to the cloud. */
const loadFactor = 1.2;

/** Failures that are told one by one. */
const shown = 20;

/** Counts the requests that were not answered with a result while etcd was away. */
export async function measureEtcdAway(results: Results): Promise<void> {
  const seconds = Number(Deno.env.get("BENCH_ETCD_AWAY_S") ?? defaultSeconds);
  assert(seconds > 0 && seconds <= 3600, "BENCH_ETCD_AWAY_S: expected seconds, 3600 at most");
  await using cloud = await startCloud(exampleSizes);
  await using edge = await startEdge(cloud, "edgecloud");
  const rate = loadFactor * edgeCapacity(cloud.sizes);
  const shots: Shot[] = [];
  await cloud.etcd.kill();
  const plan = { entries: entriesOf(edge.nodes), seconds, rate: () => rate };
  await sendLoad(plan, (shot) => shots.push(shot));
  await cloud.etcd.restart();
  const { cloud: offloaded } = count(shots);
  assert(offloaded > 0, "some of the load must have been offloaded");
  const unanswered = shots.filter(({ answered }) => !answered);
  for (const { at, className, outcome, ms, problem = "no answer" } of unanswered.slice(0, shown)) {
    console.log(
      `  ${at.toFixed(1)} s: ${className} ${outcome} after ${ms.toFixed(0)} ms: ${problem}`,
    );
  }
  results.add("etcd_away_failed", "requests", [unanswered.length]);
  results.add("etcd_away_served", "requests", [shots.length - unanswered.length]);
}
