/**
 * What a pool depends on, and who listens to it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { ExecutionEnvironment } from "../runtime/environment.ts";
import type { GenericInstances } from "./generic_instances.ts";
import type { UsageObserver } from "./observers.ts";
import type { ResourceLedger } from "./resource_ledger.ts";

/** Listener with waiting requests. Called synchronously. */
export interface PoolListener {
  /** An instance of the function can take a call. */
  available(record: FunctionRecord): void;
  /** A start on demand failed. */
  startFailed(record: FunctionRecord, error: ServerledgeError): void;
  /** Memory, CPU or a turn of a start was freed. */
  roomFreed(): void;
}

/** Dependencies of a pool. */
export interface PoolOptions {
  /** Resources of the node. */
  readonly ledger: ResourceLedger;
  /** Returns the environment that starts instances of a function. */
  readonly environment: (record: FunctionRecord) => ExecutionEnvironment;
  readonly clock: Clock;
  /** Maximum number of concurrent starts. */
  readonly parallelStarts: number;
  /** Observes how functions are used. */
  readonly usage?: UsageObserver;
  /** Generic instances; omitted if there are none. */
  readonly generics?: GenericInstances;
}
