/**
 * Cold starts of functions in containers by start tier: from request to answer, images present,
 * the tiers in turn within each round.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StartTier } from "../../../lib/model/start_tier.ts";
import { MeasuredNode, type MeasuredRuntime } from "../node/client.ts";
import { medianOf, type Results } from "../results.ts";
import { inRounds } from "../rounds.ts";

/** Cold starts of one tier in one round; their instances stay until its end. */
const startsPerRound = 8;

/**
 * Rest before each start, ms: what the node makes ready in the background after a start is ready
 * long before the next cold start of everyday use.
 */
const restMs = 500;

/** A tier, and what makes a function start by it. */
interface Tier {
  readonly tier: StartTier;
  /** Fields of the function. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const tiers: readonly Tier[] = [
  { tier: "shared", fields: {} },
  { tier: "full", fields: { Network: "bridge" } },
];

/** Measures every tier with every runtime that runs in containers. */
export async function measureContainers(results: Results): Promise<void> {
  for (const runtime of ["python", "nodejs"] as const) await measureRuntime(runtime, results);
}

async function measureRuntime(runtime: MeasuredRuntime, results: Results): Promise<void> {
  await using node = await MeasuredNode.start(startsPerRound + 1);
  for (const { tier, fields } of tiers) {
    await node.create(`first-${tier}`, runtime, fields);
    await node.invoke(`first-${tier}`); // what a node does once is not part of a start
  }
  await node.remove(tiers.map(({ tier }) => `first-${tier}`));
  const samples = await inRounds(async (round) => {
    const medians = new Map<StartTier, number>();
    for (const tier of tiers) medians.set(tier.tier, await startAll(node, runtime, tier, round));
    return medians;
  });
  for (const { tier } of tiers) {
    const name = `cold_${runtime}_${tier}_p50_ms`;
    results.add(name, "ms", samples.map((medians) => medians.get(tier)!));
  }
}

/** @returns the median from request to answer, ms */
async function startAll(
  node: MeasuredNode,
  runtime: MeasuredRuntime,
  { tier, fields }: Tier,
  round: number,
): Promise<number> {
  const names = Array.from({ length: startsPerRound }, (_, n) => `${tier}-${round}-${n}`);
  for (const name of names) await node.create(name, runtime, fields);
  const times: number[] = [];
  for (const name of names) {
    await new Promise((resolve) => setTimeout(resolve, restMs));
    const { report, ms } = await node.invoke(name);
    // On a busy machine what a tier needs may not be ready in time: that is another tier then.
    if (report.StartTier === tier) times.push(ms);
  }
  assert.ok(times.length > startsPerRound / 2, `only ${times.length} ${tier} starts of ${runtime}`);
  await node.remove(names);
  return medianOf(times);
}
