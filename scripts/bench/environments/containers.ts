/**
 * Cold starts of functions in containers by start tier: from request to answer, images present,
 * the tiers in turn within each round.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StartTier } from "../../../lib/model/start_tier.ts";
import { MeasuredNode, type MeasuredRuntime } from "../node/client.ts";
import { medianOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
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
  /** Generic instances that its node keeps of each runtime. */
  readonly generic: number;
}

const tiers: readonly Tier[] = [
  { tier: "generic", fields: {}, generic: 1 },
  { tier: "shared", fields: {}, generic: 0 },
  { tier: "full", fields: { Network: "bridge" }, generic: 0 },
];

/** Most starts in one round. */
const maxAttempts = 3 * startsPerRound;

/** Longest wait for a generic instance to be ready. */
const readyTimeoutMs = 10_000;

/** Measures every tier with every runtime that runs in containers. */
export async function measureContainers(results: Results): Promise<void> {
  for (const runtime of ["python", "nodejs"] as const) await measureRuntime(runtime, results);
}

async function measureRuntime(runtime: MeasuredRuntime, results: Results): Promise<void> {
  await using nodes = new AsyncDisposableStack();
  const byTier = new Map<StartTier, MeasuredNode>();
  for (const { tier, fields, generic } of tiers) {
    const config = { [`runtimes.${runtime}.generic`]: generic };
    const node = nodes.use(await MeasuredNode.start(startsPerRound + 2, config));
    byTier.set(tier, node);
    // It stays, so that there are generic instances for the others.
    await node.create("first", runtime, fields);
    await node.invoke("first"); // what a node does once is not part of a start
  }
  const samples = await inRounds(async (round) => {
    const medians = new Map<StartTier, number>();
    for (const tier of tiers) {
      medians.set(tier.tier, await startAll(byTier.get(tier.tier)!, runtime, tier, round));
    }
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
  { tier, fields, generic }: Tier,
  round: number,
): Promise<number> {
  const names: string[] = [];
  const times: number[] = [];
  for (let attempt = 0; times.length < startsPerRound; attempt++) {
    assert.ok(
      attempt < maxAttempts,
      `only ${times.length} starts of ${runtime} had the tier ${tier}`,
    );
    const name = `${tier}-${round}-${attempt}`;
    await node.create(name, runtime, fields);
    await new Promise((resolve) => setTimeout(resolve, restMs));
    if (generic > 0) await genericReady(node, runtime);
    const { report, ms } = await node.invoke(name);
    if (report.StartTier === tier) {
      names.push(name);
      times.push(ms);
    } else {
      // On a busy machine what a tier needs may not be ready in time: that is another tier then.
      await node.remove([name]);
    }
  }
  await node.remove(names);
  return medianOf(times);
}

async function genericReady(node: MeasuredNode, runtime: MeasuredRuntime): Promise<void> {
  const bound = performance.now() + readyTimeoutMs;
  for (;;) {
    const status = await (await fetch(`${node.process.url}/status`)).json();
    if (status.GenericInstances[runtime] > 0) return;
    assert.ok(performance.now() < bound, `no generic instance of ${runtime} is ready in time`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
