/**
 * Suite `environments`: what it costs to get a function running, in each execution environment.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureContainers } from "./containers.ts";
import { measureSandboxes } from "./sandboxes.ts";
import { measureWasm } from "./wasm.ts";

/** Runs the whole suite. */
export async function environmentsSuite(results: Results): Promise<void> {
  await measureWasm(results);
  await measureContainers(results);
  await measureSandboxes(results);
}
