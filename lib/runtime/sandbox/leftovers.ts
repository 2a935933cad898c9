/**
 * Sandboxes that a crashed predecessor of the node left behind. Most end by themselves when their
 * connection does; one in an endless loop does not notice.
 *
 * @module
 */

import { sandboxMode } from "./spec.ts";

/**
 * Ends the sandboxes of a node that is not there any more.
 *
 * @param nodeId the node's
 * @returns how many there were
 */
export function endLeftovers(nodeId: string): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const args = commandLine(name);
    const at = args.indexOf(sandboxMode);
    if (at < 1 || args[at + 1] !== nodeId) continue;
    try {
      Deno.kill(Number(name), "SIGKILL");
      count++;
    } catch {
      // It ended just now, or is another user's.
    }
  }
  return count;
}

function commandLine(pid: string): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    return [];
  }
}
