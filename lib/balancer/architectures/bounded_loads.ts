/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, SODA 2018): a key goes to
 * the first node of its walk around the ring whose load is below a bound near the mean. Requests of
 * a function meet warm instances on its own node, and the excess always goes to the same next node.
 *
 * @module
 */

import type { HashRing } from "./hash_ring.ts";

/**
 * Maximum number of requests in flight on a node, including the new one.
 *
 * @param total requests in flight on all nodes, without the new one
 * @param factor bound relative to the mean; at least 1
 */
export function loadBound(total: number, nodes: number, factor: number): number {
  return Math.ceil(factor * (total + 1) / nodes);
}

/**
 * Chooses a node for one more request.
 *
 * @param key function of the request
 * @param loads requests in flight on each candidate; the mean is over these
 * @param factor bound relative to the mean; at least 1
 * @returns undefined without candidates
 */
export function chooseBounded(
  ring: HashRing,
  key: string,
  loads: ReadonlyMap<string, number>,
  factor: number,
): string | undefined {
  if (loads.size === 0) return undefined;
  let total = 0;
  for (const load of loads.values()) total += load;
  const bound = loadBound(total, loads.size, factor);
  for (const id of ring.walk(key)) {
    const load = loads.get(id);
    // The mean is below the bound, so at least one node is as well.
    if (load !== undefined && load < bound) return id;
  }
  return undefined;
}
