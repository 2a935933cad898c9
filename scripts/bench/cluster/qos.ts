/**
 * What classes of service are worth: the example's two classes at twice the capacity of its edge
 * zone, under a policy that knows of them and under one that does not.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  classes,
  type Cloud,
  edgeCapacity,
  exampleSizes,
  startCloud,
  startEdge,
} from "../../../examples/cluster/continuum.ts";
import { entriesOf, sendLoad, type Shot } from "../../../examples/cluster/load.ts";
import { inLimitShare, summarizeRun } from "../../../examples/cluster/summary.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";

/** How long load is sent for one figure, s. */
const seconds = 10;
/** Load, as a multiple of what the edge can serve. */
const overload = 2;

/** The class that promises a response time. */
const sensitive = classes.find(({ limit }) => limit > 0)!.name;

/** Measures the share of latency-sensitive requests that are answered within their limit. */
export async function measureQos(results: Results): Promise<void> {
  await using cloud = await startCloud(exampleSizes);
  const rounds = await inRounds(async () => ({
    qosaware: await shareUnder("qosaware", cloud),
    default: await shareUnder("default", cloud),
  }));
  results.add("qos_sensitive_in_limit", "ratio", rounds.map(({ qosaware }) => qosaware));
  results.add("qos_sensitive_in_limit_default", "ratio", rounds.map((round) => round.default));
}

async function shareUnder(policy: string, cloud: Cloud): Promise<number> {
  await using edge = await startEdge(cloud, policy);
  const rate = overload * edgeCapacity(cloud.sizes);
  const shots: Shot[] = [];
  const plan = { entries: entriesOf(edge.nodes), seconds, rate: () => rate };
  await sendLoad(plan, (shot) => shots.push(shot));
  const summary = summarizeRun(policy, seconds, shots);
  const { counts } = summary.classes.find(({ className }) => className === sensitive)!;
  assert.equal(counts.failed, 0, `${policy}: answers that no policy gives`);
  return inLimitShare(summary.classes.find(({ className }) => className === sensitive)!);
}
