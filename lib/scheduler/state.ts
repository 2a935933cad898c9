/**
 * States of an invocation on its way through the node. Times are on the node's clock.
 *
 * @module
 */

import type { Report } from "../model/invocation.ts";
import type { Lease } from "../pool/lease.ts";

/** No decision yet: it is new, or another node declined it. */
export interface Undecided {
  readonly kind: "arrived";
}

/** In the queue: `queued` for resources, `starting` for an instance that can be started for it. */
export interface Waiting {
  readonly kind: "queued" | "starting";
  readonly since: number;
}

/** Running on this node. */
export interface Running {
  readonly kind: "running";
  readonly lease: Lease;
  /** When the call was sent to the instance. */
  readonly startedAt: number;
  /** True if the instance was started for it. */
  readonly cold: boolean;
  /** When it entered the queue; undefined if it ran at once. */
  readonly queuedAt: number | undefined;
}

/** Sent to another node. */
export interface Offloaded {
  readonly kind: "offloaded";
  readonly node: string;
  readonly isCloud: boolean;
  readonly sentAt: number;
  /** Cancels the request to the other node. */
  readonly abort: AbortController;
  report?: Report;
}

/** A state before completion. */
export type OpenState = Undecided | Waiting | Running | Offloaded;

/** Completed. */
export interface Settled {
  readonly kind: "settled";
  /** The last state before completion. */
  readonly last: OpenState;
}

/** Any state of an invocation. */
export type InvocationState = OpenState | Settled;

/** State of an invocation without a decision. */
export const undecided: Undecided = Object.freeze({ kind: "arrived" });
