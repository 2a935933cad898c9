/**
 * Expected utility and price of each option for a request.
 *
 * @module
 */

import type { Decision, NodeView, PeerView, RequestFacts } from "../../lib/policy/contract.ts";
import { hasRoom, offload, peersWithImage, run, wait } from "../decisions.ts";
import { here } from "./executions.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Option } from "./options.ts";

/** Prior duration of an instance start, ms. */
export const startPriorMs = 300;
/** Maximum number of peers considered. */
const maxCandidates = 6;
/** Bonus of this node among equals, as a share of utility plus penalty. */
const tieBreak = 1e-4;

/**
 * Maximum cost of waiting for a request without a limit, as a share of its utility: enough to choose
 * between nodes, too little to reject it.
 */
const maxWaitingShare = 0.1;
/** Delay at which half of that is reached, ms. */
const halfWaitingMs = 5000;

/** Function of a delay: a probability or a cost. */
type ByDelay = (delayMs: number) => number;

/**
 * Returns all options for a request other than rejecting it.
 *
 * @param knowledge the policy's estimates
 * @param now monotonic time, ms
 */
export function optionsOf(
  knowledge: Knowledge,
  request: RequestFacts,
  view: NodeView,
  now: number,
): Option[] {
  const options: Option[] = [];
  const local = view.supported ? localOption(knowledge, request, view, now) : undefined;
  if (local) options.push(local);
  if (!request.canOffload) return options;
  for (const peer of candidates(request, view)) {
    options.push(remoteOption(knowledge, request, peer, now));
  }
  if (view.cloud) options.push(remoteOption(knowledge, request, view.cloud, now));
  return options;
}

/**
 * Expected utility of admitting a request.
 *
 * @param knowledge the policy's estimates
 * @param inTime probability of a response within the limit
 * @param runProbability probability that it is executed before its deadline
 */
export function utilityOf(
  { completion }: Knowledge,
  { qosClass }: RequestFacts,
  inTime: number,
  runProbability = 1,
): number {
  const { utility, penalty } = qosClass;
  return utility * inTime - penalty * (1 - inTime) + runProbability * completion.bonus(qosClass);
}

/**
 * Cost of waiting for a request without a limit, which is always in time: without it the request would
 * wait although another node is free.
 *
 * @param delayMs time before execution and on the network
 */
export function waitingCost({ budgetMs, qosClass }: RequestFacts, delayMs: number): number {
  if (budgetMs !== Infinity) return 0;
  return qosClass.utility * maxWaitingShare * (1 - halfWaitingMs / (halfWaitingMs + delayMs));
}

/** Returns the share of this node's memory that busy instances hold. */
export function busyShare({ availableMemoryMib, totalMemoryMib }: NodeView): number {
  const share = 1 - availableMemoryMib / totalMemoryMib;
  return share >= 0 ? Math.min(1, share) : 0; // NaN if the total is 0 or infinite
}

/** Returns the best peers with room, or else the best peers. */
function candidates(request: RequestFacts, view: NodeView): readonly PeerView[] {
  const peers = peersWithImage(view);
  const found: PeerView[] = [];
  for (const peer of peers) {
    if (!hasRoom(peer, request)) continue;
    found.push(peer);
    if (found.length === maxCandidates) break;
  }
  return found.length > 0 ? found : peers.slice(0, maxCandidates);
}

/** Returns the local option: warm, by a start, or in the queue; undefined if the queue is full. */
function localOption(
  knowledge: Knowledge,
  request: RequestFacts,
  view: NodeView,
  now: number,
): Option | undefined {
  const { functionName: fn, budgetMs, memoryMib, qosClass } = request;
  const { executions, localStarts, localWaits, shadowPrices } = knowledge;
  const times = executions.of(here, fn);
  const within: ByDelay = (delayMs) => times.within(budgetMs - delayMs);
  const cost: ByDelay = (delayMs) => waitingCost(request, delayMs);
  const heldMs = times.heldMs(budgetMs);
  const option = (
    name: string,
    decision: Decision,
    { inTime, runProbability = 1, waiting = 0, instanceCost = 0, startMs = 0 }: {
      inTime: number;
      runProbability?: number;
      waiting?: number;
      instanceCost?: number;
      startMs?: number;
    },
  ): Option => {
    const stake = qosClass.utility + qosClass.penalty;
    const utility = utilityOf(knowledge, request, inTime, runProbability) - waiting +
      tieBreak * stake;
    const memoryCost = shadowPrices.memoryCost(busyShare(view), memoryMib, startMs + heldMs, now);
    const price = memoryCost + instanceCost;
    const score = utility - price;
    return {
      name,
      decision,
      peer: undefined,
      inTime,
      runProbability,
      acceptance: 1,
      utility,
      price,
      score,
      cost: 0,
    };
  };
  if (view.warm) {
    const instanceCost = shadowPrices.warmCost(fn, heldMs, now);
    return option("warm here", run, { inTime: within(0), instanceCost });
  }
  if (view.canStart) {
    const starts = localStarts.of(fn);
    const prior = view.local.startMs || startPriorMs;
    const instanceCost = view.freeMemoryMib < memoryMib ? shadowPrices.evictionCost(now) : 0;
    const inTime = starts.expectation(within, prior);
    return option("start here", run, {
      inTime,
      waiting: starts.expectation(cost, prior),
      instanceCost,
      startMs: starts.mean(prior),
    });
  }
  if (!request.waited && view.queueLength >= view.queueCapacity) return undefined;
  const waits = localWaits.of(fn);
  const prior = request.waited ? 0 : view.queueWaitMs;
  // Waiting is no obligation for a forwarded request: its own node may still find a better place.
  const runProbability = request.forwarded
    ? 0
    : waits.expectation((ms) => ms < budgetMs ? 1 : 0, prior);
  return option("queue here", wait, {
    inTime: waits.expectation(within, prior),
    runProbability,
    waiting: waits.expectation(cost, prior),
  });
}

/** Returns the option to offload to a peer. */
function remoteOption(
  knowledge: Knowledge,
  request: RequestFacts,
  peer: PeerView,
  now: number,
): Option {
  const { functionName: fn, budgetMs, memoryMib, qosClass, inputSize } = request;
  const { executions, peerModels, remoteStarts, budgetPrice, shadowPrices } = knowledge;
  const peerModel = peerModels.of(peer.id);
  peerModel.instances.recordStatus(fn, peer.warm, peer.availableMemoryMib, now - peer.ageMs);
  const networkMs = peerModel.networkCost.expectedMs(inputSize, peer.rttMs, now);
  const left = budgetMs - networkMs;
  const times = executions.of(peer.id, fn);
  const within: ByDelay = (delayMs) => times.within(left - delayMs);
  const cold = peerModel.coldShare(fn, expectsWarm(knowledge, fn, peer), now);
  const starts = remoteStarts.of(fn);
  const waits = peerModel.waits.of(qosClass.name);
  const overDelays = (of: ByDelay) =>
    (1 - cold) * waits.expectation(of, 0) + cold * starts.expectation(of, startPriorMs);
  const inTime = peerModel.correction(now) * overDelays(within);
  const runProbability = overDelays((ms) => ms < left ? 1 : 0);
  const acceptance = peerModel.acceptance(
    qosClass.name,
    peer.isCloud || hasRoom(peer, request),
    now,
  );
  const heldMs = times.heldMs(budgetMs);
  const cost = peer.isCloud ? knowledge.cloudCost(heldMs, memoryMib) : 0;
  const waiting = overDelays((delayMs) => waitingCost(request, networkMs + delayMs));
  const utility = utilityOf(knowledge, request, inTime, runProbability) - waiting;
  // A peer's memory is assumed to have the price of this node's memory at the same occupancy.
  const busy = peerModel.instances.busyShare(peer.availableMemoryMib);
  const usedMs = cold * starts.mean(startPriorMs) + heldMs;
  const price = peer.isCloud
    ? budgetPrice.price * cost
    : shadowPrices.memoryCost(busy, memoryMib, usedMs, now);
  return {
    name: peer.id,
    decision: offload(peer),
    peer,
    inTime,
    runProbability,
    acceptance,
    utility,
    price,
    score: utility - price,
    cost,
  };
}

/**
 * Whether a peer is expected to have an idle instance.
 *
 * @param knowledge the policy's estimates
 * @param fn the function
 */
export function expectsWarm({ peerModels }: Knowledge, fn: string, peer: PeerView): boolean {
  return peer.warm || peerModels.of(peer.id).instances.hasIdle(fn);
}
