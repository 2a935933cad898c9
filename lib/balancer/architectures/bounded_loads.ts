/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, SODA 2018): a key goes to
 * the first node of its walk around the ring that has room below a bound near the mean load. A
 * function's requests meet warm instances on its own node, and what that node cannot take goes to
 * the same next node each time.
 *
 * @module
 */

import type { HashRing } from "./hash_ring.ts";

/**
 * The most requests that a node may have in flight, the new one included.
 *
 * @param total requests in flight on all nodes, without the new one
 * @param nodes how many nodes there are
 * @param factor how far above the mean a node may go; at least 1
 */
export function loadBound(total: number, nodes: number, factor: number): number {
  return Math.ceil(factor * (total + 1) / nodes);
}

/**
 * Chooses a node for one more request.
 *
 * @param loads requests in flight of each node that may be chosen; the mean is over these
 * @param factor how far above the mean a node may go; at least 1
 * @returns undefined if no node may be chosen
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
    // The mean is below the bound, so some node always is, too.
    if (load !== undefined && load < bound) return id;
  }
  return undefined;
}
