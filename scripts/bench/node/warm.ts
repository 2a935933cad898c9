/**
 * The warm path: invocations of a trivial function with idle instances at hand, compared with a plain hono
 * route on the same machine in the same rounds.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Results } from "../results.ts";
import { inRounds, loadRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { type Load, load } from "../wrk.ts";
import { invokeBody, MeasuredNode, type MeasuredRuntime } from "./client.ts";
import { startHono } from "./hono_process.ts";

/** Instances of the measured function. */
const instances = 4;

/** Measures both runtimes, and hono. */
export async function measureWarm(results: Results): Promise<void> {
  const python = await measureRuntime("python", results);
  await measureRuntime("nodejs", results);
  const hono = python.map(({ hono }) => hono.rate);
  results.add("bare_hono_c16_rps", "1/s", hono);
  results.add(
    "warm_python_to_hono_c16_ratio",
    "ratio",
    python.map(({ c16, hono }) => c16.rate / hono.rate),
  );
}

/** What one round measured. */
interface Round {
  readonly c1: Load;
  readonly c16: Load;
  readonly c64: Load;
  readonly hono: Load;
}

async function measureRuntime(runtime: MeasuredRuntime, results: Results): Promise<Round[]> {
  await using node = await MeasuredNode.start(instances);
  await using hono = await startHono();
  await node.create("trivial", runtime);
  await node.prewarm("trivial", instances);
  const { report } = await node.invoke("trivial");
  assert.ok(report.IsWarmStart, "a measured invocation was not a warm start");

  const url = node.invokeUrl("trivial");
  await load(url, invokeBody, 16, warmUpSeconds);
  await load(hono.url, invokeBody, 16, warmUpSeconds);
  const samples = await inRounds(async () => ({
    c1: await load(url, invokeBody, 1, loadSeconds),
    c16: await load(url, invokeBody, 16, loadSeconds),
    hono: await load(hono.url, invokeBody, 16, loadSeconds),
    c64: await load(url, invokeBody, 64, loadSeconds),
  }), loadRounds);
  await node.invoke("trivial"); // Its response is still right.

  results.add(`warm_${runtime}_c1_p50_ms`, "ms", samples.map(({ c1 }) => c1.p50Ms));
  results.add(`warm_${runtime}_c1_rps`, "1/s", samples.map(({ c1 }) => c1.rate));
  results.add(`warm_${runtime}_c16_rps`, "1/s", samples.map(({ c16 }) => c16.rate));
  results.add(`warm_${runtime}_c16_p99_ms`, "ms", samples.map(({ c16 }) => c16.p99Ms));
  results.add(`warm_${runtime}_c64_rps`, "1/s", samples.map(({ c64 }) => c64.rate));
  results.add(`warm_${runtime}_c64_p99_ms`, "ms", samples.map(({ c64 }) => c64.p99Ms));
  results.add(
    `warm_${runtime}_c64_to_c16_ratio`,
    "ratio",
    samples.map(({ c16, c64 }) => c64.rate / c16.rate),
  );
  return samples;
}
