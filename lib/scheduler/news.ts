/**
 * What a node tells its neighbours of itself.
 *
 * @module
 */

import type { LocalNews } from "../cluster/status/datagram.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { Pool } from "../pool/pool.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * The news of this moment; cheap.
 *
 * @param ledger the node's resources
 * @param pool its instances
 * @param scheduler its requests
 * @param images what functions need of images and is there; left out where that is not known
 */
export function newsOf(
  ledger: ResourceLedger,
  pool: Pool,
  scheduler: Scheduler,
  images?: Iterable<string>,
): LocalNews {
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
