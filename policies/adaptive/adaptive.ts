/**
 * A policy that learns: what executions, starts, waits and ways take, who is willing and who is warm,
 * what memory here and money in the cloud are worth to others. Every request goes where it is worth
 * most after its price.
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
import { Journal } from "./journal.ts";
import { Knowledge } from "./knowledge.ts";
import { type Errand, learnHere, learnThere } from "./lessons.ts";
import { bestOf, type Option } from "./options.ts";
import { busyShare, expectsWarm, optionsOf, worthOf } from "./valuation.ts";

/** Most requests under way that are remembered. */
const maxUnderWay = 20_000;
/** What a refusal costs one that another node sent, as a share of its worth here. */
const detourShare = 0.1;
/** What is left of the next best option after another node has refused, as a share. */
const afterRefusal = 0.9;

/** Learns and decides. */
export class Adaptive implements Policy {
  /** See {@link Policy}. */
  readonly name = "adaptive";
  readonly #now: () => number;
  readonly #knowledge: Knowledge;
  readonly #journal = new Journal();
  readonly #errands = new Map<string, Errand>();

  /**
   * A policy that knows nothing yet. It heeds `policy.cost` and `policy.budget`.
   *
   * @param context what policies are made with
   */
  constructor(context: PolicyContext) {
    this.#now = context.now;
    const cost = numberSetting(context, "cost", { fallback: 0.01, min: 0, max: 1e9 });
    const range = { fallback: Infinity, min: 0, max: 1e12 };
    this.#knowledge = new Knowledge(cost, numberSetting(context, "budget", range), context.now());
  }

  /** See {@link Policy}. */
  decide(request: RequestFacts, view: NodeView): Decision {
    const now = this.#now();
    const options = optionsOf(this.#knowledge, request, view, now);
    this.#promise(request, options);
    const chosen = this.#choose(request, options, now);
    const decision = chosen?.decision ?? (options.length > 0 || view.supported ? full : unsuitable);
    this.#journal.add(now, request, options, chosen, decision);
    this.#missed(request, view, chosen);
    this.#depart(request, view, chosen, now);
    return decision;
  }

  /** See {@link Policy}. */
  observe(request: RequestFacts, outcome: Outcome): void {
    const now = this.#now();
    const errand = this.#errands.get(request.id);
    // What another node sent and is refused here goes on looking: its own node keeps the promise.
    if (!request.forwarded) {
      this.#knowledge.promises.settled(request.qosClass, served(outcome, errand));
    }
    if (!errand) return;
    this.#errands.delete(request.id);
    const { peer } = errand.option;
    if (peer) learnThere(this.#knowledge, request, outcome, errand, peer, now);
    else learnHere(this.#knowledge, request, outcome, errand, now);
  }

  /** See {@link Policy}. */
  refused(request: RequestFacts, { node }: Refusal): void {
    const errand = this.#errands.get(request.id);
    this.#errands.delete(request.id);
    const station = this.#knowledge.stations.of(node);
    station.shelf.back(request.functionName);
    station.answered(request.qosClass.name, false, this.#now());
    if (errand) this.#knowledge.money.spend(-errand.option.cost);
  }

  /** See {@link Policy}. */
  explain(): Explanation {
    const now = this.#now();
    return { estimates: explain(this.#knowledge, now), decisions: this.#journal.read(now) };
  }

  /** The best option that can be paid and is worth its price. */
  #choose(request: RequestFacts, options: readonly Option[], now: number): Option | undefined {
    const { money } = this.#knowledge;
    const safe = Math.max(0, ...options.filter(({ peer }) => !peer).map(({ score }) => score));
    for (const option of options) {
      const { taken } = option;
      option.score = taken * option.score + (1 - taken) * afterRefusal * safe;
    }
    const elsewhere = options.filter(({ peer }) => !peer?.isCloud);
    const cloud = options.find(({ peer }) => peer?.isCloud);
    if (cloud && !request.waited) {
      const other = Math.max(0, bestOf(elsewhere)?.score ?? 0);
      money.consider(cloud.worth - other, cloud.cost, now);
    }
    const best = bestOf(!cloud || money.covers(cloud.cost, now) ? options : elsewhere);
    return best && best.score >= 0 ? best : undefined;
  }

  /** Learns what bonus it takes to serve a new request, from options whose refusal is not yet reckoned with. */
  #promise({ qosClass, waited, forwarded }: RequestFacts, options: readonly Option[]): void {
    if (waited || forwarded) return;
    const { promises } = this.#knowledge;
    const bonus = promises.bonus(qosClass);
    let needed = Infinity;
    for (const { runs, score } of options) {
      if (runs > 0) needed = Math.min(needed, bonus - score / runs);
    }
    if (Number.isFinite(needed)) promises.considered(qosClass, needed);
  }

  /** Books what a new request loses because there is no room, or nothing warm, for it here. */
  #missed(request: RequestFacts, view: NodeView, chosen: Option | undefined): void {
    if (request.waited || !view.supported || view.warm) return;
    const { functionName: fn, budgetMs, memoryMib } = request;
    const { executions, crowding } = this.#knowledge;
    const ideal = worthOf(this.#knowledge, request, executions.of(here, fn).within(budgetMs));
    // One that another node sent is not lost by being refused: it goes elsewhere.
    const lost = chosen ? ideal - chosen.worth : request.forwarded ? detourShare * ideal : ideal;
    if (canRun(view)) crowding.foundNoneWarm(fn, lost);
    else crowding.foundNoRoom(lost, memoryMib);
  }

  /** Remembers what was decided until it is known what came of it. */
  #depart(request: RequestFacts, view: NodeView, chosen: Option | undefined, now: number): void {
    const { id, functionName: fn, memoryMib, budgetMs } = request;
    const { stations, money, crowding } = this.#knowledge;
    this.#errands.delete(id);
    if (!chosen) return;
    const { peer, decision } = chosen;
    const expectedWarm = peer ? expectsWarm(this.#knowledge, fn, peer) : view.warm;
    if (peer) {
      stations.of(peer.id).shelf.sent(fn, memoryMib, now);
      money.spend(chosen.cost);
    }
    const stay = decision.kind === "run" ? crowding.enter(fn, busyShare(view), now) : undefined;
    if (this.#errands.size >= maxUnderWay) this.#errands.delete(this.#errands.keys().next().value!);
    this.#errands.set(id, { option: chosen, stay, budgetMs, expectedWarm });
  }
}

/** How likely a request was run; of those that were late elsewhere nobody tells. */
function served({ executionMs }: Outcome, errand: Errand | undefined): number {
  if (!Number.isNaN(executionMs)) return 1;
  return errand?.option.peer ? errand.option.runs : 0;
}

/**
 * Makes the policy; it heeds `policy.cost` and `policy.budget`.
 *
 * @param context what policies are made with
 */
export function adaptive(context: PolicyContext): Policy {
  return new Adaptive(context);
}
