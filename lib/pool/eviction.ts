/**
 * What makes room for a new instance.
 *
 * @module
 */

/** An idle instance or a spare that may be taken away. */
export interface Candidate {
  /** What it holds, MiB. */
  readonly memoryMib: number;
  /** Since when nobody has used it, on the pool's clock. */
  readonly idleSince: number;
}

/**
 * Chooses the least recently used candidates that cover a need, and no more of them than needed.
 *
 * @param candidates in any order
 * @param neededMib memory that must come free
 * @param neededCount how many must go at least
 * @returns undefined if all of them together are too small or too few
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
  // A large one that was chosen last may make smaller ones before it unnecessary; spare the
  // most recently used of those first.
  let count = chosen.length;
  return chosen.reverse().filter(({ memoryMib }) => {
    if (freed - memoryMib < neededMib || count <= neededCount) return true;
    freed -= memoryMib;
    count--;
    return false;
  });
}
