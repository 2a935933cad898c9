/**
 * A policy that learns online: the times of executions, starts, waits and the network, which peers accept
 * requests and have warm instances, and the shadow prices of local memory and of the cloud's budget.
 * Each request takes the option of highest utility net of its price.
 *
 * @module
 */

import type {
  Decision,
  Explanation,
  NodeView,
  Outcome,
  Policy,
  PolicyContext,
  Refusal,
  RequestFacts,
} from "../../lib/policy/contract.ts";
import { canRun, full, unsuitable } from "../decisions.ts";
import { numberSetting } from "../settings.ts";
import { here } from "./executions.ts";
import { explain } from "./explain.ts";
import { DecisionLog } from "./decision_log.ts";
import { Knowledge } from "./knowledge.ts";
import { type InFlightRequest, observeLocal, observeRemote } from "./observations.ts";
import { bestOf, type Option } from "./options.ts";
import { busyShare, expectsWarm, optionsOf, utilityOf } from "./valuation.ts";

/** Maximum number of in-flight requests that are tracked. */
const maxInFlight = 20_000;
/** Opportunity cost of rejecting a forwarded request, as a share of its utility here: it is tried elsewhere. */
const forwardedShare = 0.1;
/** Share of the fallback option's score that remains after another node has refused the request. */
const fallbackDiscount = 0.9;

/** Maximizes expected utility net of shadow prices. */
export class Adaptive implements Policy {
  /** Name in `scheduler.policy`. */
  readonly name = "adaptive";
  readonly #now: () => number;
  readonly #knowledge: Knowledge;
  readonly #decisionLog = new DecisionLog();
  readonly #inFlight = new Map<string, InFlightRequest>();

  /**
   * Creates a policy without observations; it reads `policy.cost` and `policy.budget`.
   *
   * @param context clock and settings
   */
  constructor(context: PolicyContext) {
    this.#now = context.now;
    const cost = numberSetting(context, "cost", { fallback: 0.01, min: 0, max: 1e9 });
    const range = { fallback: Infinity, min: 0, max: 1e12 };
    this.#knowledge = new Knowledge(cost, numberSetting(context, "budget", range), context.now());
  }

  /** Chooses the option of highest score, or rejects. */
  decide(request: RequestFacts, view: NodeView): Decision {
    const now = this.#now();
    const options = optionsOf(this.#knowledge, request, view, now);
    this.#recordNeededBonus(request, options);
    const chosen = this.#choose(request, options, now);
    const decision = chosen?.decision ?? (options.length > 0 || view.supported ? full : unsuitable);
    this.#decisionLog.add(now, request, options, chosen, decision);
    this.#recordOpportunityCost(request, view, chosen);
    this.#track(request, view, chosen, now);
    return decision;
  }

  /** Updates the estimates with the outcome of a request. */
  observe(request: RequestFacts, outcome: Outcome): void {
    const now = this.#now();
    const inFlight = this.#inFlight.get(request.id);
    // A rejected forwarded request is retried elsewhere: its own node keeps the completion constraint.
    if (!request.forwarded) {
      this.#knowledge.completion.recordOutcome(request.qosClass, runProbability(outcome, inFlight));
    }
    if (!inFlight) return;
    this.#inFlight.delete(request.id);
    const { peer } = inFlight.option;
    if (peer) observeRemote(this.#knowledge, request, outcome, inFlight, peer, now);
    else observeLocal(this.#knowledge, request, outcome, inFlight, now);
  }

  /** Records that a peer refused a request. */
  refused(request: RequestFacts, { node }: Refusal): void {
    const inFlight = this.#inFlight.get(request.id);
    this.#inFlight.delete(request.id);
    const peerModel = this.#knowledge.peerModels.of(node);
    peerModel.instances.recordReturned(request.functionName);
    peerModel.recordAcceptance(request.qosClass.name, false, this.#now());
    if (inFlight) this.#knowledge.budgetPrice.spend(-inFlight.option.cost);
  }

  /** Returns the estimates and the last decisions. */
  explain(): Explanation {
    const now = this.#now();
    return { estimates: explain(this.#knowledge, now), decisions: this.#decisionLog.read(now) };
  }

  /** Returns the best option that the budget covers and whose score is not negative. */
  #choose(request: RequestFacts, options: readonly Option[], now: number): Option | undefined {
    const { budgetPrice } = this.#knowledge;
    const fallback = Math.max(0, ...options.filter(({ peer }) => !peer).map(({ score }) => score));
    for (const option of options) {
      const { acceptance } = option;
      option.score = acceptance * option.score + (1 - acceptance) * fallbackDiscount * fallback;
    }
    const elsewhere = options.filter(({ peer }) => !peer?.isCloud);
    const cloud = options.find(({ peer }) => peer?.isCloud);
    if (cloud && !request.waited) {
      const other = Math.max(0, bestOf(elsewhere)?.score ?? 0);
      budgetPrice.recordCandidate(cloud.utility - other, cloud.cost, now);
    }
    const best = bestOf(!cloud || budgetPrice.covers(cloud.cost, now) ? options : elsewhere);
    return best && best.score >= 0 ? best : undefined;
  }

  /** Records the bonus at which serving a new request breaks even, before acceptance is taken into account. */
  #recordNeededBonus(
    { qosClass, waited, forwarded }: RequestFacts,
    options: readonly Option[],
  ): void {
    if (waited || forwarded) return;
    const { completion } = this.#knowledge;
    const bonus = completion.bonus(qosClass);
    let needed = Infinity;
    for (const { runProbability, score } of options) {
      if (runProbability > 0) needed = Math.min(needed, bonus - score / runProbability);
    }
    if (Number.isFinite(needed)) completion.recordNeeded(qosClass, needed);
  }

  /** Records the utility that a new request loses because memory or a warm instance is missing here. */
  #recordOpportunityCost(request: RequestFacts, view: NodeView, chosen: Option | undefined): void {
    if (request.waited || !view.supported || view.warm) return;
    const { functionName: fn, budgetMs, memoryMib } = request;
    const { executions, shadowPrices } = this.#knowledge;
    const ideal = utilityOf(this.#knowledge, request, executions.of(here, fn).within(budgetMs));
    const lost = chosen
      ? ideal - chosen.utility
      : request.forwarded
      ? forwardedShare * ideal
      : ideal;
    if (canRun(view)) shadowPrices.recordNoneWarm(fn, lost);
    else shadowPrices.recordNoRoom(lost, memoryMib);
  }

  /** Keeps a decision until its outcome is known. */
  #track(request: RequestFacts, view: NodeView, chosen: Option | undefined, now: number): void {
    const { id, functionName: fn, memoryMib, budgetMs } = request;
    const { peerModels, budgetPrice, shadowPrices } = this.#knowledge;
    this.#inFlight.delete(id);
    if (!chosen) return;
    const { peer, decision } = chosen;
    const expectedWarm = peer ? expectsWarm(this.#knowledge, fn, peer) : view.warm;
    if (peer) {
      peerModels.of(peer.id).instances.recordSent(fn, memoryMib, now);
      budgetPrice.spend(chosen.cost);
    }
    const residence = decision.kind === "run"
      ? shadowPrices.enter(fn, busyShare(view), now)
      : undefined;
    if (this.#inFlight.size >= maxInFlight) {
      this.#inFlight.delete(this.#inFlight.keys().next().value!);
    }
    this.#inFlight.set(id, { option: chosen, residence, budgetMs, expectedWarm });
  }
}

/** Probability that a request was executed: peers report nothing about requests that missed their deadline. */
function runProbability({ executionMs }: Outcome, inFlight: InFlightRequest | undefined): number {
  if (!Number.isNaN(executionMs)) return 1;
  return inFlight?.option.peer ? inFlight.option.runProbability : 0;
}

/**
 * Creates the policy; it reads `policy.cost` and `policy.budget`.
 *
 * @param context clock and settings
 */
export function adaptive(context: PolicyContext): Policy {
  return new Adaptive(context);
}
