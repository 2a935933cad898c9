/**
 * Choice of the instances to evict.
 *
 * @module
 */

/** Idle or generic instance that may be evicted. */
export interface Candidate {
  /** Memory that it holds, MiB. */
  readonly memoryMib: number;
  /** Time of its last use, on the pool's clock. */
  readonly idleSince: number;
}

/**
 * Chooses the least recently used candidates that cover a demand, and no more than needed.
 *
 * @param candidates candidates in any order
 * @param neededMib memory that must be freed
 * @param neededCount minimum number of victims
 * @returns undefined if all candidates together do not suffice
 */
export function chooseVictims<C extends Candidate>(
  candidates: readonly C[],
  neededMib: number,
  neededCount = 0,
): C[] | undefined {
  const oldestFirst = [...candidates].sort((a, b) => a.idleSince - b.idleSince);
  const chosen: C[] = [];
  let freed = 0;
  for (const candidate of oldestFirst) {
    if (freed >= neededMib && chosen.length >= neededCount) break;
    chosen.push(candidate);
    freed += candidate.memoryMib;
  }
  if (freed < neededMib || chosen.length < neededCount) return undefined;
  // A large victim that was chosen last may make earlier, smaller ones unnecessary: the most recently
  // used of them are kept.
  let count = chosen.length;
  return chosen.reverse().filter(({ memoryMib }) => {
    if (freed - memoryMib < neededMib || count <= neededCount) return true;
    freed -= memoryMib;
    count--;
    return false;
  });
}
