/**
 * What the end of a request teaches.
 *
 * @module
 */

import type { Outcome, PeerView, RequestFacts } from "../../lib/policy/contract.ts";
import type { Stay } from "./crowding.ts";
import { here } from "./executions.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Option } from "./options.ts";
import { startPriorMs } from "./valuation.ts";

/** By what a wait was longer than what was seen of it when its request gave up. */
const gaveUpFactor = 1.5;

/** What is remembered of a request under way. */
export interface Errand {
  /** What was decided. */
  readonly option: Option;
  /** Since when it takes memory here, if it does. */
  readonly stay: Stay | undefined;
  /** Time that was left, ms. */
  readonly budgetMs: number;
  /** Whether a warm instance was expected where it went. */
  readonly expectedWarm: boolean;
}

/**
 * A request that stayed here has ended.
 *
 * @param knowledge is taught
 * @param request the request
 * @param outcome how it ended
 * @param errand what was decided
 * @param now monotonic time, ms
 */
export function learnHere(
  { executions, crowding, startsHere, waitsHere }: Knowledge,
  { functionName: fn }: RequestFacts,
  { executionMs, delayMs, responseMs, code }: Outcome,
  { option, stay, expectedWarm }: Errand,
  now: number,
): void {
  if (stay) crowding.leave(stay, now);
  const ran = !Number.isNaN(executionMs);
  if (ran) executions.observe(here, fn, executionMs, code !== "DEADLINE_EXCEEDED");
  if (expectedWarm) return;
  const delays = option.decision.kind === "run" ? startsHere : waitsHere;
  delays.of(fn).add(ran ? delayMs : gaveUpFactor * responseMs);
}

/**
 * A request that another node took has ended.
 *
 * @param knowledge is taught
 * @param request the request
 * @param outcome how it ended
 * @param errand what was decided
 * @param peer the node
 * @param now monotonic time, ms
 */
export function learnThere(
  knowledge: Knowledge,
  request: RequestFacts,
  outcome: Outcome,
  errand: Errand,
  peer: PeerView,
  now: number,
): void {
  const { executions, stations, startsThere, money } = knowledge;
  const { functionName: fn, qosClass, memoryMib, inputSize } = request;
  const { option, expectedWarm } = errand;
  const { executionMs, delayMs, wayMs, cold } = outcome;
  const station = stations.of(peer.id);
  station.shelf.back(fn);
  station.answered(qosClass.name, true, now);
  station.ended(outcome.inTime, option.inTime, now);
  if (Number.isNaN(executionMs)) {
    // A request without a limit has all the time in the world, but a function has its timeout.
    const budgetMs = Math.min(errand.budgetMs, outcome.awayMs);
    if (outcome.code === "DEADLINE_EXCEEDED" && budgetMs > 0) {
      learnFromSilence(knowledge, request, { ...errand, budgetMs }, peer, now);
    }
    return;
  }
  executions.observe(peer.id, fn, executionMs, true);
  station.way.observe(inputSize, wayMs, now);
  station.served(fn, expectedWarm, cold ? 1 : 0, now);
  station.shelf.served(fn, memoryMib, expectedWarm, cold);
  if (cold) startsThere.of(fn).add(delayMs);
  else station.waits.of(qosClass.name).add(delayMs);
  if (peer.isCloud) money.spend(knowledge.cloudCost(executionMs, memoryMib) - option.cost);
}

/** Nobody tells what happened there: a start, or a long execution; each as likely as it was. */
function learnFromSilence(
  knowledge: Knowledge,
  { functionName: fn, memoryMib, inputSize }: RequestFacts,
  { option, expectedWarm, budgetMs }: Errand,
  peer: PeerView,
  now: number,
): void {
  const { executions, startsThere, stations, money } = knowledge;
  const station = stations.of(peer.id);
  const left = budgetMs - station.way.expectedMs(inputSize, peer.rttMs, now);
  const times = executions.of(peer.id, fn);
  const late = (delayMs: number) => 1 - times.within(left - delayMs);
  const cold = station.coldShare(fn, expectedWarm, now);
  const byStart = cold * startsThere.of(fn).expected(late, startPriorMs);
  const byLength = (1 - cold) * late(0);
  const started = byStart + byLength > 0 ? byStart / (byStart + byLength) : 0;
  station.served(fn, expectedWarm, started, now);
  station.shelf.served(fn, memoryMib, expectedWarm, started > 0.5);
  if (left > 0 && started < 0.5) executions.observe(peer.id, fn, left, false);
  // It ran until it was called back.
  if (peer.isCloud) money.spend(knowledge.cloudCost(budgetMs, memoryMib) - option.cost);
}
