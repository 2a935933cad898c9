/**
 * What a scheduler needs of the node.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import type { Peers } from "../cluster/peers/peers.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { QosClasses } from "../model/qos.ts";
import type { Policy } from "../policy/contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { InvocationObserver } from "./observer.ts";
import type { NodeName } from "./report.ts";

/** Dependencies and settings of a `Scheduler`. */
export interface SchedulerOptions {
  /** The node's identity, for reports. */
  readonly node: NodeName;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly policy: Policy;
  readonly pool: Pool;
  readonly ledger: ResourceLedger;
  readonly peers: Peers;
  readonly classes: QosClasses;
  /** Looks a function up in memory. */
  readonly find: (name: string) => FunctionRecord | undefined;
  /** Returns whether a function's image can run on the node's architecture. */
  readonly supports: (record: FunctionRecord) => boolean;
  /** Returns whether a function receives integers beyond 2^53 unchanged. */
  readonly keepsLargeIntegers: (record: FunctionRecord) => boolean;
  /** Images of functions; absent if none is needed. */
  readonly images?: {
    /** Returns whether the image that the function needs is known to be present; cheap. */
    has(record: FunctionRecord): boolean;
    /** Fetches the image in the background. */
    fetch(record: FunctionRecord): void;
  };
  /** Capacity of the queue, requests. */
  readonly queueCapacity: number;
  /** Time limit of a function without its own limit, ms. */
  readonly defaultTimeoutMs: number;
  /** Maximum number of times that a request is forwarded from node to node. */
  readonly maxHops: number;
  readonly observer: InvocationObserver;
}
