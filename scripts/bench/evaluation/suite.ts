/**
 * Suite `evaluation`: the tools that policies and nodes are compared with, and what comes of it.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureAdaptive } from "./adaptive.ts";
import { measureBenchClient } from "./bench_client.ts";
import { measureSimulatedHour } from "./simulated_hour.ts";
import { measureValidation } from "./validation.ts";

/** The benchmarks of the suite by name, in the order in which they run. */
export const evaluationParts: Readonly<Record<string, (results: Results) => Promise<void>>> = {
  "bench-client": measureBenchClient,
  "simulated-hour": measureSimulatedHour,
  "validation": measureValidation,
  "adaptive": measureAdaptive,
};

/** Runs the whole suite. */
export async function evaluationSuite(results: Results): Promise<void> {
  for (const measure of Object.values(evaluationParts)) await measure(results);
}
