/**
 * Suite `node`: one node, from its binary, with the embedded registry and real containers.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureBurst } from "./burst.ts";
import { measureCold } from "./cold.ts";
import { measureIdle } from "./idle.ts";
import { measureManyFunctions } from "./many_functions.ts";
import { measureWarm } from "./warm.ts";

/** Runs the whole suite. */
export async function nodeSuite(results: Results): Promise<void> {
  await measureIdle(results);
  await measureWarm(results);
  await measureCold(results);
  await measureBurst(results);
  await measureManyFunctions(results);
}
