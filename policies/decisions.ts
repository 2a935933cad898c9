/**
 * Decisions and predicates that policies share.
 *
 * @module
 */

import type { Decision, NodeView, PeerView, RequestFacts } from "../lib/policy/contract.ts";

/** Age from which a peer's status is ignored, ms. */
const staleMs = 30_000;

/** Runs the request here. */
export const run: Decision = { kind: "run" };
/** Lets the request wait here. */
export const wait: Decision = { kind: "wait" };
/** Rejects the request because no known node can run it. */
export const unsuitable: Decision = { kind: "reject", code: "NO_SUITABLE_NODE" };
/** Rejects the request because this node is full. */
export const full: Decision = { kind: "reject", code: "NODE_SATURATED" };

/**
 * Sends the request to another node.
 *
 * @param peer a node that the view offers
 * @param fetchImage true to fetch the function's image here meanwhile
 */
export function offload(peer: PeerView, fetchImage = false): Decision {
  return { kind: "offload", to: peer.id, ...(fetchImage && { fetchImage }) };
}

/** Whether the request can run here now, on a warm instance or by a start. */
export function canRun(view: NodeView): boolean {
  return view.supported && (view.warm || view.canStart);
}

/** Whether the request could run here but for the function's image, which would have to be fetched first. */
export function awaitsImage(view: NodeView): boolean {
  return canRun(view) && view.imageMissing === true;
}

/**
 * Returns the peers to consider with respect to images: only those that have the function's image if any
 * of them or this node has it, else all. The cloud is not counted.
 */
export function peersWithImage(view: NodeView): readonly PeerView[] {
  const { peers } = view;
  const withImage = peers.filter(({ imageMissing }) => !imageMissing);
  const exists = withImage.length > 0 || (view.supported && !view.imageMissing);
  return exists ? withImage : peers;
}

/**
 * Lets the request wait if the queue has a place and the response can still be in time, else rejects it.
 * For a request that waits already, only its execution counts. Unknown estimates (NaN) never reject.
 */
export function waitOrReject(request: RequestFacts, view: NodeView): Decision {
  if (!view.supported) return unsuitable;
  const { executionMs } = view.local;
  const expectedMs = request.waited ? executionMs : view.queueWaitMs + executionMs;
  if (expectedMs > request.budgetMs) return full;
  return request.waited || view.queueLength < view.queueCapacity ? wait : full;
}

/** Whether another node seems to have room for the request. */
export function hasRoom(peer: PeerView, request: RequestFacts): boolean {
  return peer.ageMs <= staleMs &&
    (peer.warm || peer.availableMemoryMib >= request.memoryMib) &&
    peer.freeCpu >= request.cpu;
}

/**
 * Returns the best peer with room for a request that may be offloaded; images as in {@link peersWithImage}.
 */
export function findPeer(request: RequestFacts, view: NodeView): PeerView | undefined {
  if (!request.canOffload) return undefined;
  return peersWithImage(view).find((peer) => !peer.isCloud && hasRoom(peer, request));
}

/** Returns the cloud if there is one and the request may be offloaded. */
export function findCloud(request: RequestFacts, view: NodeView): PeerView | undefined {
  return request.canOffload ? view.cloud : undefined;
}
