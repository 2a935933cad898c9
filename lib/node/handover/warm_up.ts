/**
 * Starts of instances before this process takes over, so that requests find the same functions warm.
 *
 * @module
 */

import { withTimeout } from "../../base/async.ts";
import type { NodeBase } from "../base.ts";
import type { NodeCompute } from "../compute.ts";
import type { NodeStorage } from "../storage.ts";

/** Longest time that requests go on going to the former process for it, ms. */
const maxMs = 10_000;

/** Starts as many instances as the former process has, as far as this machine has memory for both. */
export async function warmUp(
  { predecessor }: NodeBase,
  { catalog }: NodeStorage,
  { pool }: NodeCompute,
): Promise<void> {
  let freeMib = availableMib();
  const starts: Promise<unknown>[] = [];
  for (const [name, count] of Object.entries(predecessor?.instances ?? {})) {
    const record = catalog.get(name);
    if (!record) continue;
    const most = Math.min(count, Math.floor(freeMib / record.memoryMib));
    freeMib -= most * record.memoryMib;
    // The first request reports why a function does not start.
    starts.push(pool.prewarm(record, most).catch(() => {}));
  }
  await withTimeout(Promise.all(starts), maxMs);
}

/** Returns the memory of this machine that programs can use, MiB. */
function availableMib(): number {
  const [, kib] = /^MemAvailable:\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/meminfo")) ?? [];
  return Number(kib ?? 0) / 1024;
}
