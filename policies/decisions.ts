/**
 * The decisions that policies share: what there is to say, and the questions that most of them ask.
 *
 * @module
 */

import type { Decision, NodeView, PeerView, RequestFacts } from "../lib/policy/contract.ts";

/** Age from which a peer's news say nothing about its room any more, ms. */
const staleMs = 30_000;

/** Run here. */
export const run: Decision = { kind: "run" };
/** Wait here. */
export const wait: Decision = { kind: "wait" };
/** No node that is known can take it. */
export const unsuitable: Decision = { kind: "reject", code: "NO_SUITABLE_NODE" };
/** It could run here, but there is no room. */
export const full: Decision = { kind: "reject", code: "NODE_SATURATED" };

/**
 * Send it to another node.
 *
 * @param peer one that the view offers
 * @param fetchImage true to fetch the function's image here meanwhile
 */
export function offload(peer: PeerView, fetchImage = false): Decision {
  return { kind: "offload", to: peer.id, ...(fetchImage && { fetchImage }) };
}

/**
 * True if the request can run here now: in an instance that is ready, or in one that can be started.
 *
 * @param view the node
 */
export function canRun(view: NodeView): boolean {
  return view.supported && (view.warm || view.canStart);
}

/**
 * True if the request can run here but the function's image would have to be fetched first, which
 * takes longer than sending the request to a node that has it.
 *
 * @param view the node
 */
export function awaitsImage(view: NodeView): boolean {
  return canRun(view) && view.imageMissing === true;
}

/**
 * The nodes that the request may be sent to as far as images matter: where some have the function's
 * image, this node included, none that has not. (The cloud is not counted: it is there to take what
 * the edge cannot.)
 *
 * @param view the node
 */
export function stockedPeers(view: NodeView): readonly PeerView[] {
  const { peers } = view;
  const stocked = peers.filter(({ imageMissing }) => !imageMissing);
  const somewhere = stocked.length > 0 || (view.supported && !view.imageMissing);
  return somewhere ? stocked : peers;
}

/**
 * Waiting as the last resort: in line if there is a place and the answer can still be in time, else
 * refused. What waits already is near its turn, so that only its execution counts. Estimates that
 * are not known (NaN) are in nobody's way.
 *
 * @param request the request
 * @param view the node
 */
export function waitOrReject(request: RequestFacts, view: NodeView): Decision {
  if (!view.supported) return unsuitable;
  const { executionMs } = view.local;
  const expectedMs = request.waited ? executionMs : view.queueWaitMs + executionMs;
  if (expectedMs > request.budgetMs) return full;
  return request.waited || view.queueLength < view.queueCapacity ? wait : full;
}

/**
 * True if another node seems to have room for the request.
 *
 * @param peer the node
 * @param request the request
 */
export function hasRoom(peer: PeerView, request: RequestFacts): boolean {
  return peer.ageMs <= staleMs &&
    (peer.warm || peer.availableMemoryMib >= request.memoryMib) &&
    peer.freeCpu >= request.cpu;
}

/**
 * The best neighbour with room and, if anyone has it, the image; if the request may leave.
 *
 * @param request the request
 * @param view the node
 */
export function findPeer(request: RequestFacts, view: NodeView): PeerView | undefined {
  if (!request.canOffload) return undefined;
  return stockedPeers(view).find((peer) => !peer.isCloud && hasRoom(peer, request));
}

/**
 * The cloud, if there is one and the request may leave.
 *
 * @param request the request
 * @param view the node
 */
export function findCloud(request: RequestFacts, view: NodeView): PeerView | undefined {
  return request.canOffload ? view.cloud : undefined;
}
