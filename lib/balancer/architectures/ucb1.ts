/**
 * UCB1 (Auer, Cesa-Bianchi, Fischer 2002): the arm with the best mean reward plus a bonus for
 * rarely tried arms.
 *
 * @module
 */

import { type Arm, type Bandit, best, type Pull, rewardOf } from "./bandit.ts";

/** Statistics of one arm. */
interface ArmStatistics {
  /** Number of rewarded choices. */
  rewarded: number;
  /** Sum of the rewards. */
  sum: number;
  /** Number of pending choices. */
  pending: number;
}

/** Chooses by UCB1. Score: mean reward + c * sqrt(ln t / n). */
export class Ucb1 implements Bandit {
  readonly #c: number;
  readonly #arms = new Map<string, ArmStatistics>();

  /**
   * Creates a bandit without observations.
   *
   * @param c weight of the bonus
   */
  constructor(c: number) {
    this.#c = c;
  }

  /** Chooses an arm: untried ones first. */
  pull(arms: readonly Arm[]): Pull {
    const { name } = this.#untried(arms) ?? best(arms, (arm) => this.#score(arm.name));
    this.#of(name).pending++;
    let open = true;
    const end = () => {
      if (!open) return false;
      open = false;
      this.#of(name).pending--;
      return true;
    };
    return {
      arm: name,
      reward: (served, durationMs) => {
        if (!end()) return;
        const arm = this.#of(served);
        arm.rewarded++;
        arm.sum += rewardOf(durationMs);
      },
      forget: () => void end(),
    };
  }

  /**
   * The arm without a reward that has the fewest pending choices. It is not tried again while
   * choices are pending and other arms are known: a burst must not go to an unknown arm.
   */
  #untried(arms: readonly Arm[]): Arm | undefined {
    const unknown = arms.filter(({ name }) => this.#of(name).rewarded === 0);
    if (unknown.length === 0) return undefined;
    const least = best(unknown, ({ name }) => -this.#of(name).pending);
    const isTried = this.#of(least.name).pending > 0;
    return isTried && unknown.length < arms.length ? undefined : least;
  }

  #score(name: string): number {
    const { rewarded, sum, pending } = this.#of(name);
    if (rewarded === 0) return -Infinity;
    let t = 0;
    for (const arm of this.#arms.values()) t += arm.rewarded + arm.pending;
    return sum / rewarded + this.#c * Math.sqrt(Math.log(t) / (rewarded + pending));
  }

  #of(name: string): ArmStatistics {
    let arm = this.#arms.get(name);
    if (!arm) this.#arms.set(name, arm = { rewarded: 0, sum: 0, pending: 0 });
    return arm;
  }
}
