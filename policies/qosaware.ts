/**
 * Policy for two kinds of classes: latency-sensitive requests keep the resources at the edge, best-effort
 * ones are offloaded to the cloud when the edge is busy. Deadlines are compared with expected start,
 * execution and transfer times.
 *
 * @module
 */

import { defaultClass, type QosClass } from "../lib/model/qos.ts";
import type {
  Decision,
  Estimates,
  NodeView,
  PeerView,
  Policy,
  PolicyContext,
  RequestFacts,
} from "../lib/policy/contract.ts";
import {
  awaitsImage,
  canRun,
  findCloud,
  hasRoom,
  offload,
  peersWithImage,
  run,
  waitOrReject,
} from "./decisions.ts";
import { type Bandwidths, bandwidthSettings, numberSetting, transferMs } from "./settings.ts";

/** Default of `policy.qosaware.busy`: share of memory or CPU in use from which the node is busy. */
const defaultBusyShare = 0.5;

/** Decides by class and by expected response times. */
class QosAware implements Policy {
  readonly name = "qosaware";
  readonly #bandwidths: Bandwidths;
  readonly #busyShare: number;

  constructor(context: PolicyContext) {
    this.#bandwidths = bandwidthSettings(context);
    const range = { fallback: defaultBusyShare, min: 0, max: 1 };
    this.#busyShare = numberSetting(context, "qosaware.busy", range);
  }

  decide(request: RequestFacts, view: NodeView): Decision {
    return isSensitive(request.qosClass)
      ? this.#nearest(request, view)
      : this.#bestEffort(request, view);
  }

  /** Chooses the first of this node, a peer and the cloud that is expected to respond in time. */
  #nearest(request: RequestFacts, view: NodeView): Decision {
    const here = canRun(view);
    const lacksImage = awaitsImage(view);
    if (here && !lacksImage && inTime(localMs(view), request)) return run;
    const other = this.#peer(request, view) ?? this.#cloud(request, view);
    if (other && !(lacksImage && other.imageMissing)) return offload(other, lacksImage);
    // No place is expected to be in time: running here renews the estimate and may succeed.
    return here ? run : waitOrReject(request, view);
  }

  /** Runs here unless the node is busy, else in the cloud or at a peer. */
  #bestEffort(request: RequestFacts, view: NodeView): Decision {
    const here = canRun(view);
    const lacksImage = awaitsImage(view);
    if (here && !lacksImage && !this.#isBusy(view) && inTime(localMs(view), request)) return run;
    const other = this.#cloud(request, view) ?? this.#peer(request, view);
    if (other && !(lacksImage && other.imageMissing)) return offload(other, lacksImage);
    // Waiting while resources are idle would never end: nothing would come free.
    return here ? run : waitOrReject(request, view);
  }

  #isBusy(view: NodeView): boolean {
    if (view.queueLength > 0) return true;
    const left = 1 - this.#busyShare;
    const { availableMemoryMib, totalMemoryMib, freeCpu = 1, totalCpu = 1 } = view;
    return availableMemoryMib <= left * totalMemoryMib || freeCpu <= left * totalCpu;
  }

  #peer(request: RequestFacts, view: NodeView): PeerView | undefined {
    if (!request.canOffload) return undefined;
    const { local } = view;
    const sentMs = transferMs(request.inputSize, this.#bandwidths.edge);
    const peerMs = (peer: PeerView) =>
      peer.rttMs + sentMs + known(local.executionMs) + (peer.warm ? 0 : known(local.startMs));
    return peersWithImage(view).find((peer) =>
      !peer.isCloud && hasRoom(peer, request) && inTime(peerMs(peer), request)
    );
  }

  #cloud(request: RequestFacts, view: NodeView): PeerView | undefined {
    const cloud = findCloud(request, view);
    if (!cloud) return undefined;
    const sentMs = transferMs(request.inputSize, this.#bandwidths.cloud);
    return inTime(cloud.rttMs + sentMs + expectedMs(view.remote), request) ? cloud : undefined;
  }
}

/**
 * Creates the policy; it reads `policy.qosaware.busy` and `policy.bandwidth.*`.
 *
 * @param context settings
 */
export function qosAware(context: PolicyContext): Policy {
  return new QosAware(context);
}

/** Whether a class has a response-time limit or more weight than the default class. */
function isSensitive({ limit, weight }: QosClass): boolean {
  return limit > 0 || weight > defaultClass.weight;
}

function localMs({ warm, local }: NodeView): number {
  return known(local.executionMs) + (warm ? 0 : known(local.startMs));
}

/** Expected execution time, plus a start weighted by its probability. */
function expectedMs({ executionMs, startMs, coldShare }: Estimates): number {
  return known(executionMs) + known(coldShare) * known(startMs);
}

/** Unmeasured estimates count as 0, so that every place is tried. */
function known(estimate: number): number {
  return Number.isNaN(estimate) ? 0 : estimate;
}

function inTime(responseMs: number, request: RequestFacts): boolean {
  return !(responseMs > request.budgetMs);
}
