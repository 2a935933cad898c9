/**
 * Lets a policy plan from time to time, off the path of requests.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { Policy, Statistics } from "../policy/contract.ts";

const log = logger("scheduler");

/** What a planner works with. */
export interface PlannerOptions {
  /** Whose plans. */
  readonly policy: Policy;
  /** The node's clock. */
  readonly clock: Clock;
  /** Time between two plans, ms. */
  readonly intervalMs: number;
  /** What to plan with, of the last interval, given its length in seconds. */
  readonly statistics: (seconds: number) => Statistics;
}

/** Lets a policy plan; does nothing for one that does not. */
export class Planner implements Disposable {
  readonly #options: PlannerOptions;
  #cancel: () => void = () => {};
  #stopped = false;

  /** A planner at work. */
  constructor(options: PlannerOptions) {
    this.#options = options;
    if (options.policy.plan) this.#later(options.clock.now());
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#cancel();
  }

  #later(since: number): void {
    this.#cancel = this.#options.clock.after(this.#options.intervalMs, () => {
      void this.#plan(since);
    });
  }

  async #plan(since: number): Promise<void> {
    const { policy, clock, statistics } = this.#options;
    const now = clock.now();
    try {
      await policy.plan!(statistics((now - since) / 1000));
    } catch (error) {
      log.warn("Policy {policy} cannot plan: {error}", {
        policy: policy.name,
        error: asServerledgeError(error).message,
      });
    }
    if (!this.#stopped) this.#later(now);
  }
}
