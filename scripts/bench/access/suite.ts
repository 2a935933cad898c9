/**
 * Suite `access`: what access control costs, and what an upgrade.
 *
 * @module
 */

import type { Results } from "../results.ts";
import { measureUpgrade } from "./upgrade.ts";
import { measureKeyCost, measureRevocation } from "./keys.ts";

/** Its benchmarks, in the order in which they run. */
export const accessParts: Readonly<Record<string, (results: Results) => Promise<void>>> = {
  "keys": measureKeyCost,
  "revocation": measureRevocation,
  "upgrade": measureUpgrade,
};

/** Runs the whole suite. */
export async function accessSuite(results: Results): Promise<void> {
  for (const measure of Object.values(accessParts)) await measure(results);
}
