/**
 * Model of a scenario for one seed: nodes, functions, load, links.
 *
 * @module
 */

import type { QosClass } from "../../../model/qos.ts";
import type { ArrivalProcess, Shape } from "../arrivals.ts";
import type { TruncatedNormal } from "../distributions.ts";
import type { Change } from "./schema.ts";

/** Distribution of a duration. */
export interface TimeModel {
  readonly meanMs: number;
  /** Squared coefficient of variation. */
  readonly scv: number;
}

/** Actual properties of a function, unknown to policies. */
export interface FunctionModel {
  readonly name: string;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores. */
  readonly cpu: number;
  /** Execution time on a node of speed 1. */
  readonly duration: TimeModel;
  /** Time to start an instance. */
  readonly start: TimeModel;
  /** Size of a request, bytes. */
  readonly input: TruncatedNormal;
}

/** A node. */
export interface NodeModel {
  readonly id: string;
  /** Group in the file. */
  readonly group: string;
  readonly area: string;
  /** Memory for instances, MiB. */
  readonly memoryMib: number;
  /** CPU for busy instances, cores. */
  readonly cpus: number;
  /** Speed, by which execution times are divided. */
  readonly speed: number;
  /** Maximum number of parallel starts. */
  readonly starts: number;
  /** Capacity of the wait queue. */
  readonly queue: number;
  /** Keep-alive of idle instances, ms. */
  readonly idleMs: number;
  /** Its policy; undefined for the policy under test. */
  readonly policy: string | undefined;
}

/** Stream of requests for one function at one node. */
export interface LoadModel {
  /** Id of the node of arrival. */
  readonly node: string;
  readonly fn: FunctionModel;
  /** Mean rate, 1/s. */
  readonly rate: number;
  /** Classes with their cumulative shares. */
  readonly mix: readonly { readonly qosClass: QosClass; readonly upTo: number }[];
  readonly process: ArrivalProcess;
  /** Shape of the rate. */
  readonly shape: Shape;
  /** Start, s. */
  readonly from: number;
  /** End, s. */
  readonly to: number;
}

/** Link between nodes. */
export interface LinkModel {
  /** One-way latency, ms. */
  readonly latencyMs: number;
  /** Bandwidth, Mbit/s. */
  readonly bandwidth: number;
}

/** A scenario for one seed. */
export interface Scenario {
  /** Title. */
  readonly about: string;
  /** Seed of all random numbers. */
  readonly seed: number;
  /** Simulated time, s. */
  readonly duration: number;
  /** Warm-up, s. */
  readonly warmup: number;
  readonly nodes: readonly NodeModel[];
  /** Area of the cloud. */
  readonly cloud: string;
  /** Areas with a balancer. */
  readonly balanced: readonly string[];
  /** Cost of one GiB for one second in the cloud. */
  readonly cost: number;
  /** Budget per node and hour; may be infinite. */
  readonly budget: number;
  /** Link between nodes of one area. */
  readonly edge: LinkModel;
  /** Link between an area and the cloud. */
  readonly toCloud: LinkModel;
  /** Overhead of offloading in addition to the network, ms. */
  readonly overheadMs: number;
  /** Interval of status updates, ms. */
  readonly statusMs: number;
  /** Maximum number of hops. */
  readonly hops: number;
  /** All classes, the default class first. */
  readonly classes: readonly QosClass[];
  readonly functions: readonly FunctionModel[];
  /** Streams of requests. */
  readonly load: readonly LoadModel[];
  /** Settings of policies. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Changes in order of time, with groups resolved. */
  readonly changes: readonly Change[];
}
