/**
 * The contract of a learner that chooses between architectures (a multi-armed bandit), and what it
 * learns from.
 *
 * @module
 */

/** Shortest execution that counts, ms: the logarithm of none is infinite. */
const minDurationMs = 0.001;

/** One architecture that a request could go to. */
export interface Arm {
  /** `amd64` or `arm64`. */
  readonly name: string;
  /** Share of its nodes' memory that is in use, 0 to 1; 1 if it has no nodes. */
  readonly memoryUse: number;
}

/**
 * One choice. It holds all that was known when it was made, so that nothing is left behind
 * elsewhere when its request fails. Ends once, by whichever of its methods is called first.
 */
export interface Pull {
  /** The architecture chosen. */
  readonly arm: string;
  /**
   * The request was executed by an instance that was warm.
   *
   * @param arm the architecture that executed it, which may be another than was chosen
   * @param durationMs how long it took, ms
   */
  reward(arm: string, durationMs: number): void;
  /** Nothing is learnt from it: it failed, began cold, or did not tell its duration. */
  forget(): void;
}

/** Learns which architecture suits one function. */
export interface Bandit {
  /**
   * Chooses an architecture.
   *
   * @param arms what there is to choose from; at least one
   */
  pull(arms: readonly Arm[]): Pull;
}

/**
 * What an execution is worth: less, the longer it took.
 *
 * @param durationMs how long it took, ms
 */
export function rewardOf(durationMs: number): number {
  return -Math.log(Math.max(durationMs, minDurationMs));
}

/**
 * The best of several; of equal ones the first.
 *
 * @param items at least one
 * @param score what is compared
 */
export function best<T extends object>(items: readonly T[], score: (item: T) => number): T {
  let winner = items[0]!;
  let most = score(winner);
  for (const item of items.slice(1)) {
    const mine = score(item);
    if (mine > most) [winner, most] = [item, mine];
  }
  return winner;
}
