/**
 * A burst: many clients at once on a function that has no instance yet.
 *
 * @module
 */

import { quantileOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { MeasuredNode } from "./client.ts";

/** Clients at once. */
const clients = 64;

/** Instances that there is memory for. */
const instances = 16;

/** Measures the burst; every client must get the right answer. */
export async function measureBurst(results: Results): Promise<void> {
  await using node = await MeasuredNode.start(instances);
  await node.create("first", "python");
  await node.invoke("first");
  await node.remove(["first"]);

  const samples = await inRounds(async (round) => {
    const name = `burst-${round}`;
    await node.create(name, "python");
    const answers = await Promise.all(
      Array.from({ length: clients }, () => node.invoke(name)),
    );
    await node.remove([name]);
    return {
      times: answers.map(({ ms }) => ms),
      cold: answers.filter(({ report }) => !report.IsWarmStart).length,
    };
  });
  results.add("burst64_p50_ms", "ms", samples.map(({ times }) => quantileOf(times, 0.5)));
  results.add("burst64_p99_ms", "ms", samples.map(({ times }) => quantileOf(times, 0.99)));
  results.add("burst64_cold_starts", "count", samples.map(({ cold }) => cold));
}
