/**
 * Asks the policy about requests, and says why one was rejected.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { Decision, ExplainedDecision, Policy, RequestFacts } from "../policy/contract.ts";
import type { Shortage } from "../pool/shortage.ts";
import { DecisionLog } from "./decision_log.ts";
import type { Invocation } from "./invocation.ts";
import { OffloadBan } from "./offload/offload_ban.ts";
import { rejection, type RejectionCode } from "./refusals.ts";
import { factsOf } from "./report.ts";
import { LocalView, type ViewSources } from "./view.ts";

/** Most nodes that one request is sent to, one after the other, where none takes it. */
const maxAttempts = 3;

/** What decisions are made with. */
export interface DeciderOptions {
  /** Decides. */
  readonly policy: Policy;
  /** The node's clock. */
  readonly clock: Clock;
  /** What the policy may see of the node. */
  readonly sources: ViewSources;
  /** Most requests that may wait for resources. */
  readonly queueCapacity: number;
}

/** Asks a policy. */
export class Decider {
  readonly #options: DeciderOptions;
  readonly #ban = new OffloadBan();
  /** Log of a policy that does not explain its decisions itself. */
  readonly #log: DecisionLog | undefined;

  /** A decider that has decided nothing yet. */
  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#log = options.policy.explain ? undefined : new DecisionLog();
  }

  /** The last decisions of a policy that does not explain its own, newest first. */
  get decisions(): ExplainedDecision[] {
    return this.#log?.read(this.#options.clock.now()) ?? [];
  }

  /**
   * Decides about a request.
   *
   * @param invocation the request
   * @param waits true if it waits in the queue already
   */
  decide(invocation: Invocation, waits: boolean): Decision {
    const { clock, policy, sources } = this.#options;
    const view = new LocalView(invocation, waits, sources);
    const facts = this.factsOf(invocation, waits);
    const decision = policy.decide(facts, view);
    this.#log?.add(clock.now(), facts, view, decision);
    if (decision.kind === "reject" || decision.kind === "wait") this.#ban.note(invocation, view);
    return decision;
  }

  /** What a policy is told of a request; `waits` as of {@link Decider.decide}. */
  factsOf(invocation: Invocation, waits: boolean): RequestFacts {
    return factsOf(invocation, this.#options.clock.now(), maxAttempts, waits);
  }

  /** The error of a request that the policy rejected; `waits` as of {@link Decider.decide}. */
  rejection(invocation: Invocation, code: RejectionCode, waits: boolean): ServerledgeError {
    const { queueCapacity, sources: { queue, ledger } } = this.#options;
    const { totalMemory: memoryMib, totalCpu: cpu } = ledger.balance;
    return rejection(code, invocation, {
      fullQueue: queue.queued >= queueCapacity ? queueCapacity : undefined,
      shortage: this.shortage(invocation, waits),
      total: { memoryMib, cpu },
    });
  }

  /** The resource that a request lacks to run here now; `waits` as of {@link Decider.decide}. */
  shortage(invocation: Invocation, waits: boolean): Shortage {
    return new LocalView(invocation, waits, this.#options.sources).shortage;
  }
}
