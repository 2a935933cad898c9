/**
 * Contract of a multi-armed bandit that chooses between architectures, and its reward.
 *
 * @module
 */

/** Shortest execution that is used, ms: the logarithm of zero is infinite. */
const minDurationMs = 0.001;

/** An architecture that a request could go to. */
export interface Arm {
  /** `amd64` or `arm64`. */
  readonly name: string;
  /** Share of its nodes' memory in use, 0 to 1; 1 without nodes. */
  readonly memoryUse: number;
}

/**
 * One choice with its context, so that a failed request leaves no state behind. Ends once, with the
 * first call of one of its methods.
 */
export interface Pull {
  readonly arm: string;
  /**
   * Records an execution in a warm instance.
   *
   * @param arm the architecture that executed it, which may differ from the chosen one
   */
  reward(arm: string, durationMs: number): void;
  /** Ends the choice without a reward: the request failed, started cold, or reported no duration. */
  forget(): void;
}

/** Learns which architecture suits a function. */
export interface Bandit {
  /**
   * Chooses an architecture.
   *
   * @param arms at least one
   */
  pull(arms: readonly Arm[]): Pull;
}

/** Reward of an execution: the shorter, the higher. */
export function rewardOf(durationMs: number): number {
  return -Math.log(Math.max(durationMs, minDurationMs));
}

/**
 * Returns the item with the highest score; the first of several.
 *
 * @param items at least one
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
