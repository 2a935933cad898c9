/**
 * Cold start: a function without an instance, its image present, from request to answer; and where
 * the time goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { medianOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { MeasuredNode, type MeasuredReport } from "./client.ts";
import { measureEngine } from "./engine.ts";

/** Cold starts in one round; all their instances stay until its end, so that none disturbs. */
const startsPerRound = 10;

/**
 * Rest before each start, ms: the node makes a new namespace ready in the background after each
 * start, and has it again long before the next cold start of everyday use.
 */
const restMs = 500;

/** Measures cold starts, their parts by the node's reports, and the engine's own steps. */
export async function measureCold(results: Results): Promise<void> {
  await using node = await MeasuredNode.start(startsPerRound + 1);
  await node.create("first", "python");
  await node.invoke("first"); // what a node does once is not part of a start
  await node.remove(["first"]);

  const samples = await inRounds((round) => coldRound(node, `rested-${round}`, restMs));
  const hurried = await inRounds((round) => coldRound(node, `hurried-${round}`, 0));
  const add = (name: string, part: (start: ColdStart) => number) =>
    results.add(name, "ms", samples.map((starts) => medianOf(starts.map(part))));
  add("cold_python_p50_ms", ({ ms }) => ms);
  add("cold_python_init_ms", ({ report }) => report.InitTime * 1000);
  add("cold_python_execution_ms", ({ report }) => report.Duration * 1000);
  add("cold_python_rest_ms", ({ ms, report }) => ms - report.ResponseTime * 1000);
  results.add(
    "cold_python_back_to_back_p50_ms",
    "ms",
    hurried.map((starts) => medianOf(starts.map(({ ms }) => ms))),
  );
  await measureEngine(results);
}

/** One cold start: what the client saw, ms, and what the node reported. */
interface ColdStart {
  readonly ms: number;
  readonly report: MeasuredReport;
}

async function coldRound(node: MeasuredNode, round: string, rest: number): Promise<ColdStart[]> {
  const names = Array.from({ length: startsPerRound }, (_, start) => `cold-${round}-${start}`);
  for (const name of names) await node.create(name, "python");
  const starts: ColdStart[] = [];
  for (const name of names) {
    await new Promise((resolve) => setTimeout(resolve, rest));
    const start = await node.invoke(name);
    assert.equal(start.report.IsWarmStart, false);
    starts.push(start);
  }
  await node.remove(names);
  return starts;
}
