/**
 * The outcome of each invocation, for metrics and logs.
 *
 * @module
 */

import type { ErrorCode } from "../base/errors.ts";
import type { StartTier } from "../model/start_tier.ts";

/** Where an invocation ran: on this node, in this area, in the cloud, or not at all. */
export type Place = "local" | "edge" | "cloud" | "nowhere";

/** Outcome of one invocation. Times in ms. */
export interface InvocationOutcome {
  readonly id: string;
  readonly functionName: string;
  /** Name of the function that invoked it; empty for a client. */
  readonly caller: string;
  /** `OK` or an error code. */
  readonly outcome: "OK" | ErrorCode;
  /** The error's message; empty without an error. */
  readonly message: string;
  readonly qosClass: string;
  readonly place: Place;
  /**
   * True if it was queued or rejected while other nodes were available, but its client had
   * forbidden offloading.
   */
  readonly offloadForbidden: boolean;
  /** True if it succeeded within its limit. */
  readonly inTime: boolean;
  readonly cold: boolean;
  /** How the instance was obtained; undefined if it did not run on this node. */
  readonly tier: StartTier | undefined;
  /** Start of the instance; 0 unless cold. */
  readonly startMs: number;
  /**
   * Time in the queue, without the start of an instance, the execution and the time on other nodes.
   */
  readonly waitMs: number;
  /** Execution in the instance; 0 if it never ran. */
  readonly executionMs: number;
  /** From arrival to response. */
  readonly responseMs: number;
  /** Size of the result, characters. */
  readonly resultSize: number;
  /** Traceback of a failed function; empty without one. */
  readonly traceback: string;
}

/** Receives outcomes synchronously; methods must be fast and never throw. */
export interface InvocationObserver {
  /** Handles a completed invocation. */
  completed(end: InvocationOutcome): void;
  /** Handles the traceback of an interrupted function that ended after the response to its client. */
  interrupted?(functionName: string, id: string, traceback: string): void;
}
