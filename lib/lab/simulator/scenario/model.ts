/**
 * What a scenario says once it is made concrete: nodes, functions, load, links.
 *
 * @module
 */

import type { QosClass } from "../../../model/qos.ts";
import type { ArrivalProcess, Shape } from "../arrivals.ts";
import type { TruncatedNormal } from "../distributions.ts";
import type { Change } from "./schema.ts";

/** A random time: its mean and its squared coefficient of variation. */
export interface TimeModel {
  /** Mean, ms. */
  readonly meanMs: number;
  /** Squared coefficient of variation. */
  readonly scv: number;
}

/** One function as it really is; policies have to find out. */
export interface FunctionModel {
  /** Its name. */
  readonly name: string;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores. */
  readonly cpu: number;
  /** Execution on a node of speed 1. */
  readonly duration: TimeModel;
  /** Start of an instance. */
  readonly start: TimeModel;
  /** Size of a request, bytes. */
  readonly input: TruncatedNormal;
}

/** One node. */
export interface NodeModel {
  /** Its id. */
  readonly id: string;
  /** The group of the file that it belongs to. */
  readonly group: string;
  /** Its area. */
  readonly area: string;
  /** Memory for instances, MiB. */
  readonly memoryMib: number;
  /** CPU for busy instances, cores. */
  readonly cpus: number;
  /** Executions take their time divided by it. */
  readonly speed: number;
  /** Instances that may be starting at once. */
  readonly starts: number;
  /** Requests that may wait. */
  readonly queue: number;
  /** How long an idle instance is kept, ms. */
  readonly idleMs: number;
  /** Its policy; undefined: the one that is tried. */
  readonly policy: string | undefined;
}

/** One stream of requests for one function at one node. */
export interface LoadModel {
  /** Node at which they arrive. */
  readonly node: string;
  /** The function. */
  readonly fn: FunctionModel;
  /** Mean rate, 1/s. */
  readonly rate: number;
  /** Classes with the share of the requests up to and including each, the last 1. */
  readonly mix: readonly { readonly qosClass: QosClass; readonly upTo: number }[];
  /** How they follow each other. */
  readonly process: ArrivalProcess;
  /** How their rate changes. */
  readonly shape: Shape;
  /** First moment, s. */
  readonly from: number;
  /** Last moment, s. */
  readonly to: number;
}

/** A link between nodes. */
export interface LinkModel {
  /** One way, ms. */
  readonly latencyMs: number;
  /** Mbit/s. */
  readonly bandwidth: number;
}

/** A scenario for one seed. */
export interface Scenario {
  /** What it shows. */
  readonly about: string;
  /** Seed of all chance. */
  readonly seed: number;
  /** Simulated time, s. */
  readonly duration: number;
  /** What arrives before does not count, s. */
  readonly warmup: number;
  /** The nodes. */
  readonly nodes: readonly NodeModel[];
  /** The area that is the cloud. */
  readonly cloud: string;
  /** Areas with a balancer. */
  readonly balanced: readonly string[];
  /** Cost of one GiB for one second in the cloud. */
  readonly cost: number;
  /** What the cloud may cost each node in an hour; may be infinite. */
  readonly budget: number;
  /** Between nodes of one area. */
  readonly edge: LinkModel;
  /** Between an area and the cloud. */
  readonly toCloud: LinkModel;
  /** Cost of any offloading beside the way, ms. */
  readonly overheadMs: number;
  /** Time between two rounds of status news, ms. */
  readonly statusMs: number;
  /** Most hops. */
  readonly hops: number;
  /** All classes, {@link defaultClass} or what the file makes of it first. */
  readonly classes: readonly QosClass[];
  /** The functions. */
  readonly functions: readonly FunctionModel[];
  /** What arrives. */
  readonly load: readonly LoadModel[];
  /** Settings of policies. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** What changes, in order; nodes and functions by their own names. */
  readonly changes: readonly Change[];
}
