/**
 * Suite `evaluation`: the tools that policies and nodes are compared with.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureAdaptive } from "./adaptive.ts";
import { measureBenchClient } from "./bench_client.ts";
import { measureSimulatedHour } from "./simulated_hour.ts";

/** Runs the whole suite. */
export async function evaluationSuite(results: Results): Promise<void> {
  await measureBenchClient(results);
  await measureSimulatedHour(results);
  await measureAdaptive(results);
}
