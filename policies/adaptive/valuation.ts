/**
 * What each thing that may be done with a request is worth, as far as is known.
 *
 * @module
 */

import type { Decision, NodeView, PeerView, RequestFacts } from "../../lib/policy.ts";
import { hasRoom, offload, run, stockedPeers, wait } from "../decisions.ts";
import { here } from "./executions.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Option } from "./options.ts";

/** Start of an instance that is believed before one was seen, ms. */
export const startPriorMs = 300;
/** Most neighbours that are looked at: a node offers fewer. */
const maxPeers = 6;
/** Advantage of this node among equals, as a share of what is at stake. */
const tieBreak = 1e-4;

/** A probability that depends on a delay. */
type ByDelay = (delayMs: number) => number;

/**
 * Everything that may be done with a request, refusing it aside.
 *
 * @param knowledge what was learned
 * @param request the request
 * @param view the node
 * @param now monotonic time, ms
 */
export function optionsOf(
  knowledge: Knowledge,
  request: RequestFacts,
  view: NodeView,
  now: number,
): Option[] {
  const options: Option[] = [];
  const stay = view.supported ? optionHere(knowledge, request, view, now) : undefined;
  if (stay) options.push(stay);
  if (!request.canOffload) return options;
  for (const peer of candidates(request, view)) {
    options.push(optionThere(knowledge, request, peer, now));
  }
  if (view.cloud) options.push(optionThere(knowledge, request, view.cloud, now));
  return options;
}

/**
 * What an answer is worth.
 *
 * @param knowledge what was learned
 * @param request the request
 * @param inTime probability that it comes in time
 */
export function worthOf(
  { promises }: Knowledge,
  { qosClass }: RequestFacts,
  inTime: number,
): number {
  const { utility, penalty } = qosClass;
  return utility * inTime - penalty * (1 - inTime) + promises.bonus(qosClass);
}

/**
 * Share of this node's memory that busy instances hold.
 *
 * @param view the node
 */
export function busyShare({ availableMemoryMib, totalMemoryMib }: NodeView): number {
  const share = 1 - availableMemoryMib / totalMemoryMib;
  return share >= 0 ? Math.min(1, share) : 0; // NaN where there is no memory, or no end of it
}

/** The neighbours that are looked at: the best that seem to have room, or else the best. */
function candidates(request: RequestFacts, view: NodeView): readonly PeerView[] {
  const peers = stockedPeers(view);
  const found: PeerView[] = [];
  for (const peer of peers) {
    if (!hasRoom(peer, request)) continue;
    found.push(peer);
    if (found.length === maxPeers) break;
  }
  return found.length > 0 ? found : peers.slice(0, maxPeers);
}

/** Here: at once, after a start, or in line; undefined where nobody may wait any more. */
function optionHere(
  knowledge: Knowledge,
  request: RequestFacts,
  view: NodeView,
  now: number,
): Option | undefined {
  const { functionName: fn, budgetMs, memoryMib, qosClass } = request;
  const { executions, startsHere, waitsHere, crowding } = knowledge;
  const times = executions.of(here, fn);
  const within: ByDelay = (delayMs) => times.within(budgetMs - delayMs);
  const heldMs = times.heldMs(budgetMs);
  const option = (name: string, decision: Decision, inTime: number, toll = 0): Option => {
    const stake = qosClass.utility + qosClass.penalty;
    const worth = worthOf(knowledge, request, inTime) + tieBreak * stake;
    const price = crowding.memoryCost(busyShare(view), memoryMib, heldMs, now) + toll;
    const score = worth - price;
    return { name, decision, peer: undefined, inTime, taken: 1, worth, price, score, cost: 0 };
  };
  if (view.warm) {
    return option("here warm", run, within(0), crowding.warmCost(fn, heldMs, now));
  }
  if (view.canStart) {
    const prior = view.local.startMs || startPriorMs;
    const inTime = startsHere.of(fn).expected(within, prior);
    const evicted = view.freeMemoryMib < memoryMib ? crowding.evictionCost(now) : 0;
    return option("here by a start", run, inTime, evicted);
  }
  if (!request.waited && view.queueLength >= view.queueCapacity) return undefined;
  const told = request.waited ? 0 : view.queueWaitMs;
  return option("here in line", wait, waitsHere.of(fn).expected(within, told));
}

/** Another node. */
function optionThere(
  knowledge: Knowledge,
  request: RequestFacts,
  peer: PeerView,
  now: number,
): Option {
  const { functionName: fn, budgetMs, memoryMib, qosClass, inputSize } = request;
  const { executions, stations, startsThere, money } = knowledge;
  const station = stations.of(peer.id);
  station.shelf.told(fn, peer.warm, peer.availableMemoryMib, now - peer.ageMs);
  const left = budgetMs - station.way.expectedMs(inputSize, peer.rttMs, now);
  const times = executions.of(peer.id, fn);
  const within: ByDelay = (delayMs) => times.within(left - delayMs);
  const cold = station.coldShare(fn, expectsWarm(knowledge, fn, peer), now);
  const inTime = station.correction(now) * (
    (1 - cold) * station.waits.expected(within, 0) +
    cold * startsThere.of(fn).expected(within, startPriorMs)
  );
  const taken = station.willingness(qosClass.name, peer.isCloud || hasRoom(peer, request), now);
  const heldMs = peer.isCloud ? times.heldMs(budgetMs) : 0;
  const cost = knowledge.cloudCost(heldMs, memoryMib);
  const worth = worthOf(knowledge, request, inTime);
  const price = money.price * cost;
  return {
    name: peer.id,
    decision: offload(peer),
    peer,
    inTime,
    taken,
    worth,
    price,
    score: worth - price,
    cost,
  };
}

/**
 * True if another node is believed to have an idle instance.
 *
 * @param knowledge what was learned
 * @param fn the function
 * @param peer the node
 */
export function expectsWarm({ stations }: Knowledge, fn: string, peer: PeerView): boolean {
  return peer.warm || stations.of(peer.id).shelf.hasIdle(fn);
}
