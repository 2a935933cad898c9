/**
 * Which idle instances make room for a new one.
 *
 * @module
 */

import type { PooledInstance } from "./function_pool.ts";

/**
 * Chooses the least recently used instances whose memory covers a need, and no more of them than
 * needed.
 *
 * @param candidates idle instances that may be taken away, in any order
 * @param neededMib memory that must come free
 * @returns undefined if all of them together are too small
 */
export function chooseVictims(
  candidates: readonly PooledInstance[],
  neededMib: number,
): PooledInstance[] | undefined {
  const oldestFirst = [...candidates].sort((a, b) => a.idleSince - b.idleSince);
  const chosen: PooledInstance[] = [];
  let freed = 0;
  for (const candidate of oldestFirst) {
    if (freed >= neededMib) break;
    chosen.push(candidate);
    freed += memoryOf(candidate);
  }
  if (freed < neededMib) return undefined;
  // A large one that was chosen last may make smaller ones before it unnecessary; spare the
  // most recently used of those first.
  return chosen.reverse().filter((victim) => {
    const spare = freed - memoryOf(victim) >= neededMib;
    if (spare) freed -= memoryOf(victim);
    return !spare;
  });
}

function memoryOf(pooled: PooledInstance): number {
  return pooled.home.record.MemoryMB;
}
