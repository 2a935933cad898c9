/**
 * Functions of runtime `deno`: cold with a generic sandbox ready and without, warm, and the memory
 * that instances take.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../../../tests/support/eventually.ts";
import { sandboxesOf } from "../../../tests/support/sandbox_world.ts";
import { MeasuredNode } from "../node/client.ts";
import { medianOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { measureWarmLoad } from "./warm_load.ts";

/** Cold starts in one round; their instances stay until its end. */
const startsPerRound = 8;
/** Instances of the function that is measured warm. */
const warmInstances = 4;
/** Instances in addition to the first whose memory is measured. */
const furtherInstances = 4;
/** How long processes are left alone before their memory is read, ms. */
const restMs = 2000;

/** Measures all of it. */
export async function measureSandboxes(results: Results): Promise<void> {
  await measureCold("cold_deno_p50_ms", 1, results);
  await measureCold("cold_deno_fresh_p50_ms", 0, results);
  await measureWarm(results);
  await measureMemory(results);
}

/**
 * From request to answer of a function without an instance. Its code was prepared when it was
 * created, as that of every function that is not invoked within the same second.
 */
async function measureCold(name: string, generic: number, results: Results): Promise<void> {
  // Generic instances may take a quarter of the memory at most.
  const config = { "sandbox.generic": generic };
  await using node = await MeasuredNode.start(2 * startsPerRound, config);
  await node.create("first", "deno");
  await node.invoke("first"); // what a node does once is not part of a start
  await node.remove(["first"]);
  const samples = await inRounds(async (round) => {
    const names = Array.from({ length: startsPerRound }, (_, n) => `cold-${round}-${n}`);
    for (const name of names) await node.create(name, "deno");
    const times: number[] = [];
    for (const name of names) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await eventually("a generic sandbox is ready", async () => {
        return (await node.status()).GenericInstances.sandbox === generic;
      });
      const { report, ms } = await node.invoke(name);
      assert.equal(report.StartTier, generic > 0 ? "generic" : "fresh");
      times.push(ms);
    }
    await node.remove(names);
    return medianOf(times);
  });
  results.add(name, "ms", samples);
}

async function measureWarm(results: Results): Promise<void> {
  await using node = await MeasuredNode.start(warmInstances, { "sandbox.generic": 0 });
  await node.create("trivial", "deno");
  await node.prewarm("trivial", warmInstances);
  const { report } = await node.invoke("trivial");
  assert.ok(report.IsWarmStart, "a measured invocation was not a warm start");
  const samples = await measureWarmLoad(node.invokeUrl("trivial"));
  await node.invoke("trivial"); // still answers right
  results.add("warm_deno_c1_p50_ms", "ms", samples.map(({ c1 }) => c1.p50Ms));
  results.add("warm_deno_c1_rps", "1/s", samples.map(({ c1 }) => c1.rate));
  results.add("warm_deno_c16_rps", "1/s", samples.map(({ c16 }) => c16.rate));
  results.add("warm_deno_c16_p99_ms", "ms", samples.map(({ c16 }) => c16.p99Ms));
}

/**
 * How much the proportional set size of all processes (the node's and its sandboxes') grows: by the
 * first instance of the first function of the runtime (`deno_idle_mib`), which is all that such a
 * function costs a node that had none; and by each further instance (`deno_instance_mib`).
 */
async function measureMemory(results: Results): Promise<void> {
  const samples = await inRounds(async () => {
    await using node = await MeasuredNode.start(furtherInstances + 1, { "sandbox.generic": 0 });
    const none = await settledMib(node, "");
    await node.create("trivial", "deno");
    const { report } = await node.invoke("trivial");
    const one = await settledMib(node, report.ExecutionNode);
    await node.prewarm("trivial", furtherInstances);
    const all = await settledMib(node, report.ExecutionNode);
    return { idle: one - none, instance: (all - one) / furtherInstances };
  });
  results.add("deno_idle_mib", "MiB", samples.map(({ idle }) => idle));
  results.add("deno_instance_mib", "MiB", samples.map(({ instance }) => instance));
}

async function settledMib(node: MeasuredNode, nodeId: string): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, restMs));
  const sandboxes = nodeId === "" ? [] : await sandboxesOf(nodeId);
  const pids = [node.process.pid, ...sandboxes.map((id) => Number(id.replace("sandbox-", "")))];
  const sizes = await Promise.all(pids.map(proportionalMib));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Memory of a process, of what it shares with others its part only (proc(5), smaps_rollup). */
async function proportionalMib(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)![1]) / 1024;
}
