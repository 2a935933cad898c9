/**
 * Many registered functions: what they cost at start, in memory and on the warm path.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { inRounds, loadRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { load } from "../wrk.ts";
import { invokeBody, MeasuredNode } from "./client.ts";

/** Registered functions. */
const functions = 10_000;

/** Registrations under way at the same time. */
const registrations = 16;

/** Warm instances of the measured function. */
const instances = 4;

/** Compares a node that has many functions with one that has a single function. */
export async function measureManyFunctions(results: Results): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "serverledge-bench-" });
  try {
    const config = { "data.dir": `${folder}/data` };
    await register(config);
    await measureStart(results, config);
    await measureRate(results, config);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function register(config: Record<string, unknown>): Promise<void> {
  await using node = await MeasuredNode.start(instances, config);
  let next = 0;
  await Promise.all(Array.from({ length: registrations }, async () => {
    while (next < functions) await node.create(`trivial-${next++}`, "python");
  }));
}

async function measureStart(results: Results, config: Record<string, unknown>): Promise<void> {
  const samples = await inRounds(async () => {
    await using node = await MeasuredNode.start(instances, config);
    return { readyMs: node.process.readyMs, rssMib: await node.rssMib() };
  });
  results.add("functions10k_start_ms", "ms", samples.map(({ readyMs }) => readyMs));
  results.add("functions10k_rss_mib", "MiB", samples.map(({ rssMib }) => rssMib));
}

async function measureRate(results: Results, config: Record<string, unknown>): Promise<void> {
  await using many = await MeasuredNode.start(instances, config);
  await using one = await MeasuredNode.start(instances);
  await one.create("trivial-0", "python");
  for (const node of [many, one]) {
    await node.prewarm("trivial-0", instances);
    await node.invoke("trivial-0");
    await load(node.invokeUrl("trivial-0"), invokeBody, 16, warmUpSeconds);
  }
  const samples = await inRounds(async () => ({
    many: await load(many.invokeUrl("trivial-0"), invokeBody, 16, loadSeconds),
    one: await load(one.invokeUrl("trivial-0"), invokeBody, 16, loadSeconds),
  }), loadRounds);
  results.add("functions10k_c16_rps", "1/s", samples.map(({ many }) => many.rate));
  results.add("functions10k_ratio", "ratio", samples.map(({ many, one }) => many.rate / one.rate));
}
