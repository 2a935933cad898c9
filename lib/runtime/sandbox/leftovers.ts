/**
 * Cleanup of sandboxes of a crashed predecessor. Most end by themselves when their connection is closed. A
 * sandbox in an endless loop does not notice it.
 *
 * @module
 */

import type { Owner } from "./limits/cgroups.ts";
import { sandboxMode } from "./spec.ts";

/**
 * Ends the sandboxes of earlier processes of a node.
 *
 * @returns number of sandboxes ended
 */
export function endLeftovers({ nodeId, process }: Owner): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const args = commandLine(name);
    const at = args.indexOf(sandboxMode);
    if (at < 1 || args[at + 1] !== nodeId || args[at + 2] === process) continue;
    try {
      Deno.kill(Number(name), "SIGKILL");
      count++;
    } catch {
      // The process has just ended, or belongs to another user.
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
