/**
 * What classes of service are worth: two classes at twice the capacity of an edge zone, under a policy that knows of them and under one that does not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Cloud, startCloud, startEdge } from "../../continuum/continuum.ts";
import { edgeCapacity, measuredSizes } from "../../continuum/model.ts";
import { entriesOf, loadOf, userRate } from "../../continuum/users.ts";
import { measureLoad } from "../../experiments/measure.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";

/** How long load is sent for one figure, s. */
const seconds = 10;
/** Load, as a multiple of what the edge can serve. */
const overload = 2;

/** What may become of a request under overload. */
const possibleOutcomes = ["ok", "NODE_SATURATED", "NO_SUITABLE_NODE", "DEADLINE_EXCEEDED"];

/** Measures the share of latency-sensitive requests that are answered within their limit. */
export async function measureQos(results: Results): Promise<void> {
  await using cloud = await startCloud(measuredSizes);
  const rounds = await inRounds(async () => ({
    qosaware: await shareUnder("qosaware", cloud),
    default: await shareUnder("default", cloud),
  }));
  results.add("qos_sensitive_in_limit", "ratio", rounds.map(({ qosaware }) => qosaware));
  results.add("qos_sensitive_in_limit_default", "ratio", rounds.map((round) => round.default));
}

async function shareUnder(policy: string, cloud: Cloud): Promise<number> {
  await using edge = await startEdge(cloud, policy);
  const users = overload * edgeCapacity(cloud.sizes) / userRate;
  const { kinds } = await measureLoad(
    edge.nodes[0]!.url,
    loadOf(users, entriesOf(edge.nodes)),
    { warmUpS: 0, windowS: seconds, windows: 1 },
    new AbortController().signal,
  );
  const own = kinds.filter(({ limitMs }) => limitMs !== undefined);
  for (const outcome of own.flatMap(({ outcomes }) => Object.keys(outcomes))) {
    assert(
      possibleOutcomes.includes(outcome),
      `${policy}: no policy can cause the outcome ${outcome}`,
    );
  }
  const due = own.reduce((sum, kind) => sum + kind.due, 0);
  return own.reduce((sum, kind) => sum + kind.withinLimit! * kind.due, 0) / due;
}
