/**
 * Resource limits of sandboxes: enforced by the kernel where the node may create control groups, else
 * by the resource monitor.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { type Bounds, type Group, type Groups, openGroups } from "./cgroups.ts";
import { residentBytes } from "./proc.ts";
import { type MonitoredProcess, type Monitoring, ResourceMonitor } from "./resource_monitor.ts";

/** Makes the kernel kill sandboxes before the node when the machine runs out of memory. */
const oomScoreAdj = 500;

const log = logger("runtime");

/** Process that can be confined. */
export interface ConfinedProcess {
  /** Process id. */
  readonly pid: number;
  /** Sends a signal; without effect if the process has ended. */
  signal(name: Deno.Signal): void;
  /** Set by the confinement: tells whether the process was killed for its memory. */
  outOfMemory: () => boolean;
}

/** Confinement of one process, to be disposed when the process is gone. */
export interface Confinement extends AsyncDisposable {
  /**
   * Bounds the process, which has not run any code of a function yet.
   *
   * @param bounds limits from now on
   * @param calls tells whether calls are in flight, and is called when there were none for some seconds
   */
  bound(bounds: Bounds, calls: Pick<MonitoredProcess, "busy" | "onIdle">): void;
  /** Lets the process run; must be called before each call to it. */
  resume(): void;
}

/** Resource limits of the sandboxes of a node. */
export class ResourceLimits implements AsyncDisposable {
  readonly #groups: Groups | undefined;
  readonly #monitor = new ResourceMonitor();

  private constructor(groups: Groups | undefined) {
    this.#groups = groups;
  }

  /**
   * Finds out whether the node may create control groups.
   *
   * @param useGroups false to use none
   */
  static async open(nodeId: string, useGroups: boolean): Promise<ResourceLimits> {
    return new ResourceLimits(useGroups ? await openGroups(nodeId) : undefined);
  }

  /** True if the kernel bounds sandboxes, false if the node monitors them. */
  get byKernel(): boolean {
    return this.#groups !== undefined;
  }

  /** Prepares the confinement of a process that was just started. */
  async confine(process: ConfinedProcess): Promise<Confinement> {
    preferAsVictim(process.pid);
    const group = await this.#join(process);
    let current: Monitoring | undefined;
    return {
      bound: (bounds, calls) => {
        const byKernel = group !== undefined && boundGroup(group, bounds);
        const before = byKernel ? undefined : residentBytes(process.pid);
        const maxBytes = before && before + bounds.memoryMib * 2 ** 20;
        const signal = (name: Deno.Signal) => process.signal(name);
        const monitoring = current = this.#monitor.watch({
          pid: process.pid,
          ...calls,
          signal,
          maxBytes,
        });
        process.outOfMemory = () => monitoring.outOfMemory || (group?.outOfMemory() ?? false);
      },
      resume: () => current?.resume(),
      [Symbol.asyncDispose]: async () => {
        current?.[Symbol.dispose]();
        await group?.[Symbol.asyncDispose]();
      },
    };
  }

  /** Removes the node's control groups. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#monitor[Symbol.dispose]();
    await this.#groups?.[Symbol.asyncDispose]();
  }

  async #join(process: ConfinedProcess): Promise<Group | undefined> {
    try {
      return await this.#groups?.join(process.pid);
    } catch (error) {
      // The process may have ended; otherwise monitoring is better than not starting it.
      warnUnbounded(error);
      return undefined;
    }
  }
}

function boundGroup(group: Group, bounds: Bounds): boolean {
  try {
    group.bound(bounds);
    return true;
  } catch (error) {
    warnUnbounded(error);
    return false;
  }
}

function warnUnbounded(error: unknown): void {
  log.warn("No control group for a sandbox, the node monitors it: {error}", {
    error: String(error),
  });
}

function preferAsVictim(pid: number): void {
  try {
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj), { create: false });
  } catch {
    // Another user's process, when run from sources: the kernel decides by size.
  }
}
