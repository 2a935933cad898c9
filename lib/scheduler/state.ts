/**
 * Where an invocation is on its way through the node. Times are on the node's clock.
 *
 * @module
 */

import type { Report } from "../model/invocation.ts";
import type { Lease } from "../pool/lease.ts";

/** It is about to be decided about: it is new, or another node did not take it. */
export interface Arrived {
  /** Tells the states apart. */
  readonly kind: "arrived";
}

/** It waits here: `queued` for resources, `starting` for an instance that can be started for it. */
export interface Waiting {
  /** Tells the states apart. */
  readonly kind: "queued" | "starting";
  /** When it began to wait. */
  readonly since: number;
}

/** It runs on this node. */
export interface Running {
  /** Tells the states apart. */
  readonly kind: "running";
  /** Its hold on the instance. */
  readonly lease: Lease;
  /** When the instance was called. */
  readonly startedAt: number;
  /** True if an instance was started for it. */
  readonly cold: boolean;
  /** When it began to wait; undefined if it ran at once. */
  readonly queuedAt: number | undefined;
}

/** It is on another node. */
export interface Offloaded {
  /** Tells the states apart. */
  readonly kind: "offloaded";
  /** The node. */
  readonly node: string;
  /** True if that is the cloud. */
  readonly isCloud: boolean;
  /** When it was sent. */
  readonly sentAt: number;
  /** Calls it back. */
  readonly abort: AbortController;
  /** What that node answered. */
  report?: Report;
}

/** A state of an invocation without an answer. */
export type OpenState = Arrived | Waiting | Running | Offloaded;

/** It has its answer. */
export interface Settled {
  /** Tells the states apart. */
  readonly kind: "settled";
  /** Where it was when it got it. */
  readonly last: OpenState;
}

/** A state of an invocation. */
export type InvocationState = OpenState | Settled;

/** The state of what is about to be decided about. */
export const arrived: Arrived = Object.freeze({ kind: "arrived" });
