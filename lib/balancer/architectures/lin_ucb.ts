/**
 * LinUCB with disjoint linear models (Li et al., WWW 2010): models the reward of an arm as a linear
 * function of its nodes' memory use, and chooses the arm with the highest upper confidence bound.
 *
 * @module
 */

import { type Arm, type Bandit, best, type Pull, rewardOf } from "./bandit.ts";

/** Keeps the second feature finite when all memory is in use. */
const epsilon = 0.01;
/** Share of memory use above which a price applies. */
const freeUse = 0.75;

/** A vector of two features. */
type Vector = readonly [number, number];

/** Ridge regression in two dimensions: A = I + sum of x x', b = sum of r x. */
class Model {
  #a = 1;
  #b = 0;
  #d = 1;
  #r0 = 0;
  #r1 = 0;

  /** Upper confidence bound of the reward at x: x' theta + alpha * sqrt(x' A^-1 x). */
  score(x: Vector, alpha: number): number {
    const [u, v] = this.#solve(x);
    // A is symmetric, so x' A^-1 b = (A^-1 x)' b.
    const mean = u * this.#r0 + v * this.#r1;
    return mean + alpha * Math.sqrt(Math.max(0, x[0] * u + x[1] * v));
  }

  learn([x0, x1]: Vector, reward: number): void {
    this.#a += x0 * x0;
    this.#b += x0 * x1;
    this.#d += x1 * x1;
    this.#r0 += reward * x0;
    this.#r1 += reward * x1;
  }

  /** A^-1 x; A is at least the identity, so its determinant is at least 1. */
  #solve([x0, x1]: Vector): Vector {
    const determinant = this.#a * this.#d - this.#b * this.#b;
    return [
      (this.#d * x0 - this.#b * x1) / determinant,
      (this.#a * x1 - this.#b * x0) / determinant,
    ];
  }
}

/**
 * Chooses by LinUCB with the features 1 and 1 / (1 - u + 0.01), where u is the share of memory in
 * use.
 */
export class LinUcb implements Bandit {
  readonly #alpha: number;
  readonly #lambda: number;
  readonly #models = new Map<string, Model>();

  /**
   * Creates a bandit without observations.
   *
   * @param alpha weight of uncertainty
   * @param lambda price of memory use above three quarters
   */
  constructor(alpha: number, lambda: number) {
    this.#alpha = alpha;
    this.#lambda = lambda;
  }

  /** Chooses the arm with the highest bound; rewards are learned with the features of this moment. */
  pull(arms: readonly Arm[]): Pull {
    const { name } = best(
      arms,
      (arm) => this.#of(arm.name).score(features(arm.memoryUse), this.#alpha),
    );
    let open = true;
    return {
      arm: name,
      reward: (served, durationMs) => {
        const arm = arms.find((each) => each.name === served);
        if (!open || !arm) return;
        open = false;
        const price = this.#lambda * Math.max(0, (arm.memoryUse - freeUse) / (1 - freeUse));
        this.#of(served).learn(features(arm.memoryUse), rewardOf(durationMs) - price);
      },
      forget() {
        open = false;
      },
    };
  }

  #of(name: string): Model {
    let model = this.#models.get(name);
    if (!model) this.#models.set(name, model = new Model());
    return model;
  }
}

function features(memoryUse: number): Vector {
  return [1, 1 / (1 - memoryUse + epsilon)];
}
