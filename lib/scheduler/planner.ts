/**
 * Calls a policy's planning step periodically, off the request path.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { asServerledgeError, type ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { Policy, Statistics } from "../policy/contract.ts";

const log = logger("scheduler");

/** Dependencies and settings of {@link Planner}. */
export interface PlannerOptions {
  readonly policy: Policy;
  readonly clock: Clock;
  /** Time between two plans, ms. */
  readonly intervalMs: number;
  /** Returns the statistics of the last interval, given its length in seconds. */
  readonly statistics: (seconds: number) => Statistics;
  /** Handles the end of each plan, with the error of one that failed. */
  readonly onPlanned?: (error?: ServerledgeError) => void;
}

/** Runs the planning step of a policy that has one. */
export class Planner implements Disposable {
  readonly #options: PlannerOptions;
  #cancel: () => void = () => {};
  #stopped = false;

  /** Schedules the first plan after one interval, if the policy plans. */
  constructor(options: PlannerOptions) {
    this.#options = options;
    if (options.policy.plan) this.#schedule(options.clock.now());
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(since: number): void {
    this.#cancel = this.#options.clock.after(this.#options.intervalMs, () => {
      void this.#plan(since);
    });
  }

  async #plan(since: number): Promise<void> {
    const { policy, clock, statistics, onPlanned } = this.#options;
    const now = clock.now();
    try {
      await policy.plan!(statistics((now - since) / 1000));
      onPlanned?.();
    } catch (cause) {
      const error = asServerledgeError(cause);
      log.warn("Policy {policy} cannot plan: {error}", {
        policy: policy.name,
        error: error.message,
      });
      onPlanned?.(error);
    }
    if (!this.#stopped) this.#schedule(now);
  }
}
