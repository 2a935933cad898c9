/**
 * The contract of a scheduling policy: its input and its decisions, which the scheduler carries out.
 *
 * @module
 */

import type { ErrorCode } from "../base/errors.ts";
import type { Json } from "../json/json.ts";
import type { QosClass } from "../model/qos.ts";

/** Decision about one request. */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "wait" }
  | {
    readonly kind: "offload";
    readonly to: string;
    /** True to fetch the function's image meanwhile because only the image is missing here. */
    readonly fetchImage?: boolean;
  }
  | {
    readonly kind: "reject";
    readonly code: "NODE_SATURATED" | "NO_SUITABLE_NODE";
  };

/** Request as a policy sees it. */
export interface RequestFacts {
  /** Identifies the request in all calls. */
  readonly id: string;
  readonly functionName: string;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores; 0 if not accounted. */
  readonly cpu: number;
  /** QoS class. */
  readonly qosClass: QosClass;
  /** Time left until the deadline, ms; may be infinite. */
  readonly budgetMs: number;
  /** Size of its body, characters; 0 if unknown. */
  readonly inputSize: number;
  /** True if the request may be offloaded: its client allows it and hops are left. */
  readonly canOffload: boolean;
  /** True if it is waiting in this node's queue after an earlier decision. */
  readonly waited?: boolean;
  /** True if another node forwarded it, which tries other nodes if it is rejected here. */
  readonly forwarded?: boolean;
}

/** Another node that may take the request: eligible by architecture and locality. */
export interface PeerView {
  readonly id: string;
  readonly area: string;
  /** True for the cloud: the balancer or a node of the remote area. */
  readonly isCloud: boolean;
  /** Expected round trip, ms. */
  readonly rttMs: number;
  /** Age of the status below, ms; infinite if none was received yet. */
  readonly ageMs: number;
  /** Memory that no busy instance holds, MiB; infinite for a balancer. */
  readonly availableMemoryMib: number;
  /** Free CPU, cores; infinite for a balancer. */
  readonly freeCpu: number;
  /** Number of requests waiting there. */
  readonly queueLength: number;
  /** True if it is likely to have an idle instance of the function. */
  readonly warm: boolean;
  /** True if it would have to fetch the function's image first; absent if unknown. */
  readonly imageMissing?: boolean;
}

/** Measurements of a function in one place, ms; NaN if there are none yet. */
export interface Estimates {
  /** Mean execution time. */
  readonly executionMs: number;
  /** Mean time to start an instance. */
  readonly startMs: number;
  /** Share of requests that had to wait for a start, 0 to 1. */
  readonly coldShare: number;
}

/** State of the node at the moment of the decision; values are computed on access. */
export interface NodeView {
  /** False if the function cannot run on this node because of architecture, size, or locality. */
  readonly supported: boolean;
  /** True if a warm instance can take the request now. */
  readonly warm: boolean;
  /** True if an instance could be started now, if necessary after evicting idle ones. */
  readonly canStart: boolean;
  /** True if the function's image would have to be fetched first. */
  readonly imageMissing?: boolean;
  /** Number of other requests waiting, of all functions. */
  readonly queueLength: number;
  /** Maximum number of waiting requests. */
  readonly queueCapacity: number;
  /** Expected wait of the request in this node's queue, ms. */
  readonly queueWaitMs: number;
  /** Memory that no busy instance holds, MiB. */
  readonly availableMemoryMib: number;
  /** Memory that no instance holds, not even an idle one, MiB. */
  readonly freeMemoryMib: number;
  /** Total memory for instances, MiB. */
  readonly totalMemoryMib: number;
  /** CPU that no busy instance holds, cores; absent if not accounted. */
  readonly freeCpu?: number;
  /** Total CPU for busy instances, cores; absent if not accounted. */
  readonly totalCpu?: number;
  /** Measurements of the function here. */
  readonly local: Estimates;
  /** Measurements of the function in the cloud. */
  readonly remote: Estimates;
  /** Nearby nodes not tried yet, best first (warm, with the image, near, free); bounded. */
  readonly peers: readonly PeerView[];
  /** The cloud, if it may take the request and was not tried yet. */
  readonly cloud: PeerView | undefined;
}

/** Outcome of a request. */
export interface Outcome {
  /** Where it ran or was last tried. */
  readonly place: "local" | "edge" | "cloud" | "nowhere";
  /** True if the response came within the limit. */
  readonly inTime: boolean;
  /** Time from arrival to response, ms. */
  readonly responseMs: number;
  /** `OK` or the code of the error. */
  readonly code: "OK" | ErrorCode;
  /** The other node that took it, whether it responded in time or not; empty if there was none. */
  readonly node: string;
  /** Execution time in the instance, until the interruption if there was one, ms; NaN if unknown. */
  readonly executionMs: number;
  /** Time from arrival at the executing node to the execution, ms; NaN if unknown or not executed. */
  readonly delayMs: number;
  /** True if an instance was known to be started for it. */
  readonly cold: boolean;
  /** Time of an offloaded request on the network, ms; NaN if unknown. */
  readonly networkMs: number;
  /** Time from offloading to the response or the deadline, ms; NaN if it was not offloaded. */
  readonly remoteTotalMs: number;
}

/** Refusal of an offloaded request by another node. */
export interface Refusal {
  readonly node: string;
  /** Code of the reason. */
  readonly code: ErrorCode;
  /** Time lost by asking, ms. */
  readonly remoteTotalMs: number;
}

/** A past decision with its reason, for people. */
export interface ExplainedDecision {
  /** Age, ms. */
  readonly agoMs: number;
  readonly functionName: string;
  readonly qosClass: string;
  readonly decision: Decision;
  /** The reason in one line. */
  readonly reason: string;
}

/** Estimates and past decisions of a policy. */
export interface Explanation {
  /** Current estimates: tables by title, each a list of rows with the same keys. */
  readonly estimates: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>;
  /** Last decisions, newest first; bounded. */
  readonly decisions: readonly ExplainedDecision[];
}

/** Arrivals of one function and class since the last plan. */
export interface Arrivals {
  readonly functionName: string;
  /** QoS class. */
  readonly qosClass: QosClass;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** Requests per second, smoothed. */
  readonly rate: number;
  /** Mean size of parameters, characters. */
  readonly inputSize: number;
  /** Measurements on this node. */
  readonly local: Estimates;
  /** Measurements at peers. */
  readonly edge: Estimates;
  /** Measurements in the cloud. */
  readonly remote: Estimates;
  /** Share of the requests assigned to this node that found no room, 0 to 1. */
  readonly loss: number;
}

/** Input of a plan. */
export interface Statistics {
  /** Arrivals by function and class. */
  readonly arrivals: readonly Arrivals[];
  /** Memory for instances on this node, MiB. */
  readonly memoryMib: number;
  /** Total memory available at peers, MiB. */
  readonly peerMemoryMib: number;
  /** Mean round trip to the nearest peers, ms; infinite without peers. */
  readonly edgeRttMs: number;
  /** Round trip to the cloud, ms; infinite without a cloud. */
  readonly cloudRttMs: number;
}

/** Dependencies of a policy: clock, randomness and settings, so that its decisions can be repeated. */
export interface PolicyContext {
  /** Random number, uniform in [0, 1). */
  readonly random: () => number;
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** Settings below `policy.` in the configuration, by the rest of the key. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/**
 * A scheduling policy.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decideInTurn } from "../../policies/replay.ts";
 * import { requestOf, viewOf } from "../../tests/contract/policy.ts";
 *
 * const local: Policy = {
 *   name: "local",
 *   decide: (_request, view) => view.warm || view.canStart ? { kind: "run" } : { kind: "wait" },
 * };
 * const situation = { request: requestOf(), view: viewOf({ canStart: false }) };
 * assert(decideInTurn(local, situation)[0]?.kind === "wait");
 * ```
 */
export interface Policy {
  /** Its name in the configuration. */
  readonly name: string;
  /**
   * Decides about a request: on arrival, after a failed offload (the peer that failed is no longer
   * offered), and while it waits, when resources come free here or at a peer. Pure and synchronous.
   *
   * @param view current state of the node; valid only during the call
   */
  decide(request: RequestFacts, view: NodeView): Decision;
  /** Receives the outcome of a request. */
  observe?(request: RequestFacts, outcome: Outcome): void;
  /** Receives the refusal of an offloaded request, before `decide` is called again. */
  refused?(request: RequestFacts, refusal: Refusal): void;
  /** Explains estimates and decisions to people. */
  explain?(): Explanation;
  /** Makes a plan; called every `policy.plan.interval`. */
  plan?(statistics: Statistics): void | Promise<void>;
  /** Releases resources such as a solver when the node stops. */
  [Symbol.dispose]?(): void;
}

/** Creates a policy. */
export type PolicyFactory = (context: PolicyContext) => Policy;
