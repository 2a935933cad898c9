/**
 * The status that a node sends to its peers.
 *
 * @module
 */

import type { LocalStatus } from "../cluster/status/datagram.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { Pool } from "../pool/pool.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * Assembles the current status; cheap.
 *
 * @param images present images that functions need; undefined if unknown
 */
export function localStatus(
  ledger: ResourceLedger,
  pool: Pool,
  scheduler: Scheduler,
  images?: Iterable<string>,
): LocalStatus {
  return {
    availableMemoryMib: ledger.availableMemory,
    totalMemoryMib: ledger.balance.totalMemory,
    freeCpu: ledger.freeCpu,
    queueLength: scheduler.waiting,
    running: scheduler.running,
    warm: pool.count().filter(({ idle }) => idle > 0).map(({ name }) => name),
    images,
  };
}
