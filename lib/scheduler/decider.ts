/**
 * Applies the scheduling policy, and explains rejections.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { Decision, ExplainedDecision, Policy, RequestFacts } from "../policy/contract.ts";
import type { Shortage } from "../pool/shortage.ts";
import { DecisionLog } from "./decision_log.ts";
import type { Invocation } from "./invocation.ts";
import { OffloadExclusion } from "./offload/offload_exclusion.ts";
import { rejection, type RejectionCode } from "./errors.ts";
import { factsOf } from "./report.ts";
import { LocalView, type ViewSources } from "./view.ts";

/** Most nodes that one request is offloaded to, one after the other, if none accepts it. */
const maxAttempts = 3;

/** Dependencies and settings of {@link Decider}. */
export interface DeciderOptions {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly sources: ViewSources;
  readonly queueCapacity: number;
}

/** Applies a policy to requests. */
export class Decider {
  readonly #options: DeciderOptions;
  readonly #exclusion = new OffloadExclusion();
  /** Decisions of a policy that does not explain its own. */
  readonly #log: DecisionLog | undefined;

  /** Creates a decider. It logs decisions only of a policy that does not explain its own. */
  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#log = options.policy.explain ? undefined : new DecisionLog();
  }

  /** The latest decisions, newest first, if the policy does not explain its own. */
  get decisions(): ExplainedDecision[] {
    return this.#log?.read(this.#options.clock.now()) ?? [];
  }

  /**
   * Decides about a request.
   *
   * @param isQueued true if it is in the wait queue already
   */
  decide(invocation: Invocation, isQueued: boolean): Decision {
    const { clock, policy, sources } = this.#options;
    const view = new LocalView(invocation, isQueued, sources);
    const facts = this.factsOf(invocation, isQueued);
    const decision = policy.decide(facts, view);
    this.#log?.add(clock.now(), facts, view, decision);
    if (decision.kind === "reject" || decision.kind === "wait") {
      this.#exclusion.check(invocation, view);
    }
    return decision;
  }

  /** What the policy knows of a request; `isQueued` as in {@link Decider.decide}. */
  factsOf(invocation: Invocation, isQueued: boolean): RequestFacts {
    return factsOf(invocation, this.#options.clock.now(), maxAttempts, isQueued);
  }

  /** The error of a request that the policy rejected; `isQueued` as in {@link Decider.decide}. */
  rejection(invocation: Invocation, code: RejectionCode, isQueued: boolean): ServerledgeError {
    const { queueCapacity, sources: { queue, ledger, mismatch, node } } = this.#options;
    const { totalMemory: memoryMib, totalCpu: cpu } = ledger.balance;
    return rejection(code, invocation, {
      fullQueue: queue.queued >= queueCapacity ? queueCapacity : undefined,
      shortage: this.shortage(invocation, isQueued),
      total: { memoryMib, cpu },
      area: node.area,
      mismatch: mismatch(invocation),
    });
  }

  /** The resource that keeps a request from running here now; `isQueued` as in {@link Decider.decide}. */
  shortage(invocation: Invocation, isQueued: boolean): Shortage {
    return new LocalView(invocation, isQueued, this.#options.sources).shortage;
  }
}
