/**
 * What each thing that may be done with a request is worth, as far as is known.
 *
 * @module
 */

import type { Decision, NodeView, PeerView, RequestFacts } from "../../lib/policy/contract.ts";
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

/**
 * What a request without a limit loses at most by having to wait, as a share of its utility: enough to
 * choose between places, too little to refuse it for.
 */
const mostLost = 0.1;
/** The delay at which it has lost half of that, ms. */
const halfLostMs = 5000;

/** What depends on a delay: a probability, or a loss. */
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
 * What it is worth to admit a request.
 *
 * @param knowledge what was learned
 * @param request the request
 * @param inTime probability that it is answered in time
 * @param runs probability that it is run at all, before it is too late
 */
export function worthOf(
  { promises }: Knowledge,
  { qosClass }: RequestFacts,
  inTime: number,
  runs = 1,
): number {
  const { utility, penalty } = qosClass;
  return utility * inTime - penalty * (1 - inTime) + runs * promises.bonus(qosClass);
}

/**
 * What waiting costs a request that has no limit, so that is in time whenever it is answered: without a price
 * it would wait for ever beside a free node.
 *
 * @param request the request
 * @param delayMs time before it is run, and on its way
 */
export function impatience({ budgetMs, qosClass }: RequestFacts, delayMs: number): number {
  if (budgetMs !== Infinity) return 0;
  return qosClass.utility * mostLost * (1 - halfLostMs / (halfLostMs + delayMs));
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
  const loss: ByDelay = (delayMs) => impatience(request, delayMs);
  const heldMs = times.heldMs(budgetMs);
  const option = (
    name: string,
    decision: Decision,
    { inTime, runs = 1, lost = 0, toll = 0, startMs = 0 }: {
      inTime: number;
      runs?: number;
      lost?: number;
      toll?: number;
      startMs?: number;
    },
  ): Option => {
    const stake = qosClass.utility + qosClass.penalty;
    const worth = worthOf(knowledge, request, inTime, runs) - lost + tieBreak * stake;
    const memoryCost = crowding.memoryCost(busyShare(view), memoryMib, startMs + heldMs, now);
    const price = memoryCost + toll;
    const score = worth - price;
    return {
      name,
      decision,
      peer: undefined,
      inTime,
      runs,
      taken: 1,
      worth,
      price,
      score,
      cost: 0,
    };
  };
  if (view.warm) {
    const toll = crowding.warmCost(fn, heldMs, now);
    return option("here warm", run, { inTime: within(0), toll });
  }
  if (view.canStart) {
    const starts = startsHere.of(fn);
    const prior = view.local.startMs || startPriorMs;
    const toll = view.freeMemoryMib < memoryMib ? crowding.evictionCost(now) : 0;
    const inTime = starts.expected(within, prior);
    return option("here by a start", run, {
      inTime,
      lost: starts.expected(loss, prior),
      toll,
      startMs: starts.mean(prior),
    });
  }
  if (!request.waited && view.queueLength >= view.queueCapacity) return undefined;
  const waits = waitsHere.of(fn);
  const told = request.waited ? 0 : view.queueWaitMs;
  // What another node sent need not wait here in vain: its own node may still find a better place.
  const runs = request.forwarded ? 0 : waits.expected((ms) => ms < budgetMs ? 1 : 0, told);
  return option("here in line", wait, {
    inTime: waits.expected(within, told),
    runs,
    lost: waits.expected(loss, told),
  });
}

/** Another node. */
function optionThere(
  knowledge: Knowledge,
  request: RequestFacts,
  peer: PeerView,
  now: number,
): Option {
  const { functionName: fn, budgetMs, memoryMib, qosClass, inputSize } = request;
  const { executions, stations, startsThere, money, crowding } = knowledge;
  const station = stations.of(peer.id);
  station.shelf.told(fn, peer.warm, peer.availableMemoryMib, now - peer.ageMs);
  const wayMs = station.way.expectedMs(inputSize, peer.rttMs, now);
  const left = budgetMs - wayMs;
  const times = executions.of(peer.id, fn);
  const within: ByDelay = (delayMs) => times.within(left - delayMs);
  const cold = station.coldShare(fn, expectsWarm(knowledge, fn, peer), now);
  const starts = startsThere.of(fn);
  const waits = station.waits.of(qosClass.name);
  const overDelays = (of: ByDelay) =>
    (1 - cold) * waits.expected(of, 0) + cold * starts.expected(of, startPriorMs);
  const inTime = station.correction(now) * overDelays(within);
  const runs = overDelays((ms) => ms < left ? 1 : 0);
  const taken = station.willingness(qosClass.name, peer.isCloud || hasRoom(peer, request), now);
  const heldMs = times.heldMs(budgetMs);
  const cost = peer.isCloud ? knowledge.cloudCost(heldMs, memoryMib) : 0;
  const lost = overDelays((delayMs) => impatience(request, wayMs + delayMs));
  const worth = worthOf(knowledge, request, inTime, runs) - lost;
  // A neighbour's memory is worth to its own requests what this node's is where it is as full.
  const busy = station.shelf.busyShare(peer.availableMemoryMib);
  const usedMs = cold * starts.mean(startPriorMs) + heldMs;
  const price = peer.isCloud
    ? money.price * cost
    : crowding.memoryCost(busy, memoryMib, usedMs, now);
  return {
    name: peer.id,
    decision: offload(peer),
    peer,
    inTime,
    runs,
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
