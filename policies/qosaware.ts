/**
 * The two-class proof of concept: latency-sensitive requests keep the resources at the edge;
 * best-effort ones leave for the cloud when the edge gets busy. Deadlines are compared with expected
 * start, execution and transfer times.
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
  run,
  stockedPeers,
  waitOrReject,
} from "./decisions.ts";
import { type Bandwidths, bandwidthSettings, numberSetting, transferMs } from "./settings.ts";

/** Share of memory or CPU in use from which the edge is busy, if `policy.qosaware.busy` does not tell. */
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

  /** Here, at a neighbour, in the cloud: the first that is expected to answer in time. */
  #nearest(request: RequestFacts, view: NodeView): Decision {
    const here = canRun(view);
    const unstocked = awaitsImage(view);
    if (here && !unstocked && inTime(localMs(view), request)) return run;
    const other = this.#peer(request, view) ?? this.#cloud(request, view);
    if (other && !(unstocked && other.imageMissing)) return offload(other, unstocked);
    // Nobody can make it by what was measured. Who runs it measures again, and it may be lucky.
    return here ? run : waitOrReject(request, view);
  }

  /** Here while the edge is quiet; otherwise where it takes nothing from those in a hurry. */
  #bestEffort(request: RequestFacts, view: NodeView): Decision {
    const here = canRun(view);
    const unstocked = awaitsImage(view);
    if (here && !unstocked && !this.#isBusy(view) && inTime(localMs(view), request)) return run;
    const other = this.#cloud(request, view) ?? this.#peer(request, view);
    if (other && !(unstocked && other.imageMissing)) return offload(other, unstocked);
    // Resources that nobody else asks for may not lie idle: nothing would come free to wait for.
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
    return stockedPeers(view).find((peer) =>
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
 * Makes the policy; it heeds `policy.qosaware.busy` and `policy.bandwidth.*`.
 *
 * @param context what policies are made with
 */
export function qosAware(context: PolicyContext): Policy {
  return new QosAware(context);
}

/** True for classes that promise a response time, or count for more than the default class. */
function isSensitive({ limit, weight }: QosClass): boolean {
  return limit > 0 || weight > defaultClass.weight;
}

function localMs({ warm, local }: NodeView): number {
  return known(local.executionMs) + (warm ? 0 : known(local.startMs));
}

/** Execution, and a start as often as there was one. */
function expectedMs({ executionMs, startMs, coldShare }: Estimates): number {
  return known(executionMs) + known(coldShare) * known(startMs);
}

/** What was not measured yet must not speak against a place: nobody would ever measure it there. */
function known(estimate: number): number {
  return Number.isNaN(estimate) ? 0 : estimate;
}

function inTime(responseMs: number, request: RequestFacts): boolean {
  return !(responseMs > request.budgetMs);
}
