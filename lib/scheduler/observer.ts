/**
 * What the scheduler tells of each invocation's end, for metrics and logs.
 *
 * @module
 */

import type { ErrorCode } from "../base/errors.ts";
import type { StartTier } from "../model/start_tier.ts";

/** Where an invocation ran: here, on a node of this area, in the cloud, or not at all. */
export type Place = "local" | "edge" | "cloud" | "nowhere";

/** How one invocation ended. Times in ms. */
export interface InvocationEnd {
  /** Its id. */
  readonly id: string;
  /** The function's name. */
  readonly functionName: string;
  /** `OK`, or the code of its error. */
  readonly outcome: "OK" | ErrorCode;
  /** The error's message; empty if there was none. */
  readonly message: string;
  /** Name of its class. */
  readonly qosClass: string;
  /** Where it ran. */
  readonly place: Place;
  /**
   * True if it had to wait here or was refused, although there were other nodes to ask: its client had
   * forbidden that.
   */
  readonly offloadForbidden: boolean;
  /** True if it was answered well and within its limit. */
  readonly inTime: boolean;
  /** True if an instance was started for it. */
  readonly cold: boolean;
  /** What was done before it could run; undefined if it did not run here. */
  readonly tier: StartTier | undefined;
  /** Start of the instance it waited for; 0 unless cold. */
  readonly startMs: number;
  /** Wait for resources: neither the start of an instance, nor the execution, nor a stay on another node. */
  readonly waitMs: number;
  /** Execution in the instance; 0 if it never ran. */
  readonly executionMs: number;
  /** Arrival to answer. */
  readonly responseMs: number;
  /** Size of the result, characters. */
  readonly resultSize: number;
  /** The function's traceback if it failed and gave one; else empty. */
  readonly traceback: string;
}

/** Hears how invocations ended. Called synchronously: must be quick and never throw. */
export interface InvocationObserver {
  /** One invocation has its answer. */
  ended(end: InvocationEnd): void;
  /** A function that was interrupted has ended, its client long answered: where that was. */
  stopped?(functionName: string, id: string, traceback: string): void;
}
