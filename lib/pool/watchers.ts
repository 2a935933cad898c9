/**
 * Who is told what happens in the pool, beside whoever has requests waiting.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";

/** Who follows how functions are used. Called synchronously, on the way of each call. */
export interface PoolUsage {
  /** A request waits for an instance of the function to be started. */
  wanted(record: FunctionRecord): void;
  /** A call begins. */
  began(record: FunctionRecord): void;
  /** A call has ended. */
  ended(record: FunctionRecord): void;
}

/** Who counts what becomes of instances. */
export interface PoolObserver {
  /** An idle instance was removed since the keep-alive policy keeps it no longer. */
  expired(functionName: string): void;
  /** An instance was started since a request is expected. */
  preWarmed(functionName: string): void;
  /** Such an instance has got its first call. */
  preWarmHit(functionName: string): void;
}
