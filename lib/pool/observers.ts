/**
 * Observers of the pool, for keep-alive and metrics.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";

/** Observer of how functions are used. Called synchronously with each call. */
export interface UsageObserver {
  /** A request needs an instance that has to be started. */
  startRequested(record: FunctionRecord): void;
  /** A call begins. */
  callStarted(record: FunctionRecord): void;
  /** A call has ended. */
  callEnded(record: FunctionRecord): void;
}

/** Observer of pre-warmed and expired instances. */
export interface PoolObserver {
  /** An idle instance was removed by the keep-alive policy. */
  expired(functionName: string): void;
  /** An instance was started because a request is expected. */
  preWarmed(functionName: string): void;
  /** A pre-warmed instance got its first call. */
  preWarmHit(functionName: string): void;
}
