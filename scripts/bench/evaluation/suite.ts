/**
 * Suite `evaluation`: the tools that policies and nodes are compared with.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureBenchClient } from "./bench_client.ts";

/** Runs the whole suite. */
export async function evaluationSuite(results: Results): Promise<void> {
  await measureBenchClient(results);
}
