/**
 * Updates of the estimates from the outcomes of requests.
 *
 * @module
 */

import type { Outcome, PeerView, RequestFacts } from "../../lib/policy/contract.ts";
import type { Residence } from "./shadow_prices.ts";
import { here } from "./executions.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Option } from "./options.ts";
import { startPriorMs } from "./valuation.ts";

/** Expected total wait over the wait seen until a request was abandoned. */
const abandonedWaitFactor = 1.5;

/** A request whose outcome is not known yet. */
export interface InFlightRequest {
  /** The option chosen. */
  readonly option: Option;
  /** Its residence, if it runs here. */
  readonly residence: Residence | undefined;
  /** Time left when it was decided about, ms. */
  readonly budgetMs: number;
  /** Whether a warm instance was expected. */
  readonly expectedWarm: boolean;
}

/**
 * Learns from the end of a local request.
 *
 * @param knowledge estimates to update
 * @param inFlight the decision about it
 * @param now monotonic time, ms
 */
export function observeLocal(
  { executions, shadowPrices, localStarts, localWaits }: Knowledge,
  { functionName: fn }: RequestFacts,
  { executionMs, delayMs, responseMs, code }: Outcome,
  { option, residence, expectedWarm }: InFlightRequest,
  now: number,
): void {
  if (residence) shadowPrices.leave(residence, now);
  const ran = !Number.isNaN(executionMs);
  if (ran) executions.observe(here, fn, executionMs, code !== "DEADLINE_EXCEEDED");
  if (expectedWarm) return;
  const delays = option.decision.kind === "run" ? localStarts : localWaits;
  delays.of(fn).add(ran ? delayMs : abandonedWaitFactor * responseMs);
}

/**
 * Learns from the end of an offloaded request.
 *
 * @param knowledge estimates to update
 * @param inFlight the decision about it
 * @param now monotonic time, ms
 */
export function observeRemote(
  knowledge: Knowledge,
  request: RequestFacts,
  outcome: Outcome,
  inFlight: InFlightRequest,
  peer: PeerView,
  now: number,
): void {
  const { executions, peerModels, remoteStarts, budgetPrice } = knowledge;
  const { functionName: fn, qosClass, memoryMib, inputSize } = request;
  const { option, expectedWarm } = inFlight;
  const { executionMs, delayMs, networkMs, cold } = outcome;
  const peerModel = peerModels.of(peer.id);
  peerModel.instances.recordReturned(fn);
  peerModel.recordAcceptance(qosClass.name, true, now);
  peerModel.recordOutcome(outcome.inTime, option.inTime, now);
  if (Number.isNaN(executionMs)) {
    // A request without a deadline still ends at the function's timeout.
    const budgetMs = Math.min(inFlight.budgetMs, outcome.remoteTotalMs);
    if (outcome.code === "DEADLINE_EXCEEDED" && budgetMs > 0) {
      observeMissingResponse(knowledge, request, { ...inFlight, budgetMs }, peer, now);
    }
    return;
  }
  executions.observe(peer.id, fn, executionMs, true);
  peerModel.networkCost.observe(inputSize, networkMs, now);
  peerModel.recordServed(fn, expectedWarm, cold ? 1 : 0, now);
  peerModel.instances.recordServed(fn, memoryMib, expectedWarm, cold);
  if (cold) remoteStarts.of(fn).add(delayMs);
  else peerModel.waits.of(qosClass.name).add(delayMs);
  if (peer.isCloud) budgetPrice.spend(knowledge.cloudCost(executionMs, memoryMib) - option.cost);
}

/** Attributes a missing response to a cold start or a long execution, in proportion to their likelihoods. */
function observeMissingResponse(
  knowledge: Knowledge,
  { functionName: fn, memoryMib, inputSize }: RequestFacts,
  { option, expectedWarm, budgetMs }: InFlightRequest,
  peer: PeerView,
  now: number,
): void {
  const { executions, remoteStarts, peerModels, budgetPrice } = knowledge;
  const peerModel = peerModels.of(peer.id);
  const left = budgetMs - peerModel.networkCost.expectedMs(inputSize, peer.rttMs, now);
  const times = executions.of(peer.id, fn);
  const late = (delayMs: number) => 1 - times.within(left - delayMs);
  const cold = peerModel.coldShare(fn, expectedWarm, now);
  const byStart = cold * remoteStarts.of(fn).expectation(late, startPriorMs);
  const byLength = (1 - cold) * late(0);
  const started = byStart + byLength > 0 ? byStart / (byStart + byLength) : 0;
  peerModel.recordServed(fn, expectedWarm, started, now);
  peerModel.instances.recordServed(fn, memoryMib, expectedWarm, started > 0.5);
  if (left > 0 && started < 0.5) executions.observe(peer.id, fn, left, false);
  // It ran until it was cancelled.
  if (peer.isCloud) budgetPrice.spend(knowledge.cloudCost(budgetMs, memoryMib) - option.cost);
}
