/**
 * Plays one day of an edge zone and a cloud region in seconds, once for each policy, and shows what
 * became of two classes of requests. See README.md.
 *
 * Usage: examples/cluster/run.sh [--quick] [--out FOLDER] [POLICY...]
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  classes,
  type Cloud,
  edgeCapacity,
  exampleSizes,
  startCloud,
  startEdge,
} from "./continuum.ts";
import { entriesOf, hill, sendLoad, type Shot } from "./load.ts";
import { drawRuns } from "./plot.ts";
import { formatRuns, showProgress } from "./show.ts";
import { type RunSummary, summarizeRun } from "./summary.ts";

const defaultPolicies = ["default", "edgecloud", "qosaware"];
/** Most policies of one run, so that it ends in time. */
const maxPolicies = 8;
/** How long load is sent for each policy, s. */
const fullSeconds = 24;
const quickSeconds = 6;
/** Top of the curve, as a multiple of what the edge can serve. */
const peakLoad = 2;

/** Plays all policies one after the other. */
async function play(
  policies: readonly string[],
  seconds: number,
  signal: AbortSignal,
): Promise<RunSummary[]> {
  console.log("Starting etcd, two cloud nodes and their balancer ...");
  await using cloud = await startCloud(exampleSizes, signal);
  const runs: RunSummary[] = [];
  for (const policy of policies) runs.push(await playOne(cloud, policy, seconds, signal));
  return runs;
}

async function playOne(
  cloud: Cloud,
  policy: string,
  seconds: number,
  signal: AbortSignal,
): Promise<RunSummary> {
  console.log(`\nPolicy ${policy}: starting two edge nodes ...`);
  await using edge = await startEdge(cloud, policy, signal);
  const rate = hill(peakLoad * edgeCapacity(cloud.sizes), seconds);
  const shots: Shot[] = [];
  using _ = showProgress(rate, shots);
  const plan = { entries: entriesOf(edge.nodes), seconds, rate };
  await sendLoad(plan, (shot) => shots.push(shot), signal);
  return summarizeRun(policy, seconds, shots);
}

/** Writes the plot and its data. @returns the paths of both */
async function write(runs: readonly RunSummary[], folder: string): Promise<string[]> {
  const limits = Object.fromEntries(classes.map(({ name, limit }) => [name, limit]));
  const title = "Two classes at an edge zone that gets up to twice what it can serve " +
    `(${edgeCapacity(exampleSizes)} requests/s), by policy`;
  await Deno.mkdir(folder, { recursive: true });
  const paths = [`${folder}/cluster.svg`, `${folder}/cluster.json`];
  await Deno.writeTextFile(paths[0]!, drawRuns(runs, title, limits));
  await Deno.writeTextFile(
    paths[1]!,
    JSON.stringify({ sizes: exampleSizes, classes, runs }, null, 2),
  );
  return paths;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { quick: { type: "boolean" }, out: { type: "string" } },
    allowPositionals: true,
  });
  const policies = positionals.length > 0 ? positionals : defaultPolicies;
  if (policies.length > maxPolicies) {
    console.error(`cluster: ${policies.length} policies are too many: ${maxPolicies} at most`);
    Deno.exit(2);
  }
  const stop = new AbortController();
  // The first signal ends the run in order; what was started must be stopped.
  const interrupt = () => stop.abort(new Error("interrupted"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    const runs = await play(policies, values.quick ? quickSeconds : fullSeconds, stop.signal);
    console.log(`\n${formatRuns(runs)}\n`);
    const paths = await write(runs, values.out ?? "dist/cluster");
    console.log(`Plot: ${paths[0]}\nData: ${paths[1]}`);
  } catch (error) {
    console.error(`cluster: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = stop.signal.aborted ? 130 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}
