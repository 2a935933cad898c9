/**
 * The contract of a scheduling policy: what it is told and what it may decide. A policy decides;
 * the scheduler carries it out.
 *
 * @module
 */

import type { ErrorCode } from "../base/errors.ts";
import type { Json } from "../json/json.ts";
import type { QosClass } from "../model/qos.ts";

/** What to do with one request. */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "wait" }
  | {
    readonly kind: "offload";
    readonly to: string;
    /** True to fetch the function's image meanwhile, since it could run here but for that. */
    readonly fetchImage?: boolean;
  }
  | {
    readonly kind: "reject";
    readonly code: "NODE_SATURATED" | "NO_SUITABLE_NODE";
  };

/** What a policy knows of a request. */
export interface RequestFacts {
  /** Tells requests apart: the same whenever the policy is asked or told about it. */
  readonly id: string;
  /** Name of the function. */
  readonly functionName: string;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores; 0 if not accounted. */
  readonly cpu: number;
  /** QoS class. */
  readonly qosClass: QosClass;
  /** Time left until the answer is useless, ms; may be infinite. */
  readonly budgetMs: number;
  /** Size of the body that it came in, characters; 0 if unknown. */
  readonly inputSize: number;
  /** True if the request may leave this node at all: its client allows it and hops are left. */
  readonly canOffload: boolean;
  /** True if it waits in this node's queue already: it was decided about before. */
  readonly waited?: boolean;
  /** True if another node sent it, which goes on looking if it is refused here. */
  readonly forwarded?: boolean;
}

/** What a policy knows of another node that may take the request: eligible by architecture and locality. */
export interface PeerView {
  /** Its id. */
  readonly id: string;
  /** Its area. */
  readonly area: string;
  /** True for the remote area's balancer or node: the cloud. */
  readonly isCloud: boolean;
  /** Expected round trip, ms. */
  readonly rttMs: number;
  /** Age of what follows, ms; infinite if nothing was heard yet. */
  readonly ageMs: number;
  /** Memory that instances could take, MiB; infinite for a balancer. */
  readonly availableMemoryMib: number;
  /** CPU that is free, cores; infinite for a balancer. */
  readonly freeCpu: number;
  /** Requests that wait there. */
  readonly queueLength: number;
  /** True if it is likely to have an idle instance of the function. */
  readonly warm: boolean;
  /** True if it would have to fetch the function's image first; absent or false: not as far as is known. */
  readonly imageMissing?: boolean;
}

/** What was measured of a function in one place, ms; NaN where nothing was measured yet. */
export interface Estimates {
  /** Execution in an instance. */
  readonly executionMs: number;
  /** Start of an instance. */
  readonly startMs: number;
  /** Share of requests that had to wait for a start, 0 to 1. */
  readonly coldShare: number;
}

/** What a policy knows of its node, at the moment of deciding. Getters compute only what is asked for. */
export interface NodeView {
  /** False if the function does not run on this node: architecture, size, or locality. */
  readonly supported: boolean;
  /** True if a ready instance can take the request now. */
  readonly warm: boolean;
  /** True if an instance could be started now, idle instances of others evicted if need be. */
  readonly canStart: boolean;
  /** True if the function's image would have to be fetched first; absent or false: not so. */
  readonly imageMissing?: boolean;
  /** Requests that wait for resources, of all functions, this one not counted. */
  readonly queueLength: number;
  /** Most requests that may wait. */
  readonly queueCapacity: number;
  /** Expected wait in this node's queue for this request, ms. */
  readonly queueWaitMs: number;
  /** Memory that no busy instance holds, MiB. */
  readonly availableMemoryMib: number;
  /** Memory that no instance holds at all, idle ones included, MiB. */
  readonly freeMemoryMib: number;
  /** Memory for instances in all, MiB. */
  readonly totalMemoryMib: number;
  /** CPU that no busy instance holds, cores; absent if not accounted. */
  readonly freeCpu?: number;
  /** CPU for busy instances in all, cores; absent if not accounted. */
  readonly totalCpu?: number;
  /** What was measured of the function here. */
  readonly local: Estimates;
  /** What was measured of the function in the cloud. */
  readonly remote: Estimates;
  /** Near nodes that may take the request and were not tried, best first (warm, with the image, near, free); bounded. */
  readonly peers: readonly PeerView[];
  /** Where the cloud is reached, if it may take the request and was not tried. */
  readonly cloud: PeerView | undefined;
}

/** How a request ended, for policies that learn. */
export interface Outcome {
  /** Where it ran or was last tried. */
  readonly place: "local" | "edge" | "cloud" | "nowhere";
  /** True if it was answered within its limit. */
  readonly inTime: boolean;
  /** Arrival to answer, ms. */
  readonly responseMs: number;
  /** `OK`, or the code of its error. */
  readonly code: "OK" | ErrorCode;
  /** The other node that answered it, or did not answer in time; empty if there was none. */
  readonly node: string;
  /** Execution in the instance, ms: so far, if it was interrupted here; NaN if nobody told. */
  readonly executionMs: number;
  /** From the arrival at the node that ran it to the execution, ms; NaN if it did not run or nobody told. */
  readonly delayMs: number;
  /** True if an instance was started for it, as far as is known. */
  readonly cold: boolean;
  /** What being sent to another node cost beside the time there, ms; NaN if nobody told. */
  readonly wayMs: number;
  /** Time from its being sent to the other node to the answer or the deadline, ms; NaN if it was not sent. */
  readonly awayMs: number;
}

/** An offload that another node did not take. */
export interface Refusal {
  /** The node. */
  readonly node: string;
  /** Why. */
  readonly code: ErrorCode;
  /** What asking it cost, ms. */
  readonly awayMs: number;
}

/** One decision with its reason, for people. */
export interface ExplainedDecision {
  /** How long ago, ms. */
  readonly agoMs: number;
  /** Name of the function. */
  readonly functionName: string;
  /** Name of the class. */
  readonly qosClass: string;
  /** What was decided. */
  readonly decision: Decision;
  /** Why, in one line. */
  readonly reason: string;
}

/** What a policy has learned, and why it decided as it did. */
export interface Explanation {
  /** What it believes now: tables by title, each a list of rows with the same keys. */
  readonly estimates: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>;
  /** Its last decisions, newest first; bounded. */
  readonly decisions: readonly ExplainedDecision[];
}

/** Requests of one function and class since the last planning. */
export interface Arrivals {
  /** Name of the function. */
  readonly functionName: string;
  /** QoS class. */
  readonly qosClass: QosClass;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** Requests per second, smoothed. */
  readonly rate: number;
  /** Mean size of parameters, characters. */
  readonly inputSize: number;
  /** What was measured here, at peers, in the cloud. */
  readonly local: Estimates;
  /** See {@link Arrivals.local}. */
  readonly edge: Estimates;
  /** See {@link Arrivals.local}. */
  readonly remote: Estimates;
  /** Share of the requests meant for this node that found no room, 0 to 1. */
  readonly loss: number;
}

/** What planning works with. */
export interface Statistics {
  /** What arrived, by function and class. */
  readonly arrivals: readonly Arrivals[];
  /** Memory for instances on this node, MiB. */
  readonly memoryMib: number;
  /** Memory that peers have available, MiB, sum. */
  readonly peerMemoryMib: number;
  /** Round trip to the nearest peers, mean, ms; infinite without any. */
  readonly edgeRttMs: number;
  /** Round trip to the cloud, ms; infinite without one. */
  readonly cloudRttMs: number;
}

/** What policies are made with, so that they hold neither clock nor chance nor configuration of their own. */
export interface PolicyContext {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** Numbers and texts of the configuration below `policy.`, by the rest of the key. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/** A scheduling policy. */
export interface Policy {
  /** Its name in the configuration. */
  readonly name: string;
  /**
   * Asked on arrival, again for waiting requests when resources come free or other nodes tell what
   * they have free, and after a failed offload (the peer that failed is no longer offered). Pure,
   * synchronous.
   *
   * @param request what is asked for
   * @param view the node as it is now; valid only during the call
   */
  decide(request: RequestFacts, view: NodeView): Decision;
  /** Told how a request ended. */
  observe?(request: RequestFacts, outcome: Outcome): void;
  /** Told that another node did not take a request; what becomes of that is decided next. */
  refused?(request: RequestFacts, refusal: Refusal): void;
  /** Tells people what it has learned and why it decided as it did. */
  explain?(): Explanation;
  /** Called every planning interval. */
  plan?(statistics: Statistics): void | Promise<void>;
  /** Frees what the policy holds, such as a solver, when the node stops. */
  [Symbol.dispose]?(): void;
}

/** Makes a policy. */
export type PolicyFactory = (context: PolicyContext) => Policy;
