/**
 * Load on a function whose instances are warm.
 *
 * @module
 */

import { invokeBody } from "../node/client.ts";
import { inRounds, loadRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { load } from "../wrk.ts";

/**
 * Loads a function by one client and by sixteen, in rounds.
 *
 * @param url where it is invoked
 * @returns what each round measured: `c1` with one client, `c16` with sixteen
 */
export async function measureWarmLoad(url: string) {
  await load(url, invokeBody, 16, warmUpSeconds);
  return await inRounds(async () => ({
    c1: await load(url, invokeBody, 1, loadSeconds),
    c16: await load(url, invokeBody, 16, loadSeconds),
  }), loadRounds);
}
