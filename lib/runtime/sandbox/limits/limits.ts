/**
 * Resource limits of sandboxes. The kernel enforces them if the node may create control groups; otherwise the
 * resource monitor does.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { type Bounds, type Group, type Groups, openGroups, type Owner } from "./cgroups.ts";
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
  /** Reports whether the process was killed because of its memory usage. Set by the confinement. */
  outOfMemory: () => boolean;
}

/** Confinement of one process, to be disposed after the process has ended. */
export interface Confinement extends AsyncDisposable {
  /**
   * Limits the process, which must not have run any code of a function yet.
   *
   * @param bounds limits that apply from now on
   * @param calls reports whether calls are in flight, and is notified after some seconds without calls
   */
  bound(bounds: Bounds, calls: Pick<MonitoredProcess, "busy" | "onIdle">): void;
  /** Lets the process run. Must be called before each call to the process. */
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
   * Determines whether the node may create control groups, and creates the limits.
   *
   * @param useGroups false to use no control groups
   * @param formerEnded resolves when an earlier process of the node has ended, if it is still running
   */
  static async open(
    owner: Owner,
    useGroups: boolean,
    formerEnded?: Promise<void>,
  ): Promise<ResourceLimits> {
    return new ResourceLimits(useGroups ? await openGroups(owner, formerEnded) : undefined);
  }

  /** True if the kernel limits sandboxes, false if the node monitors them. */
  get byKernel(): boolean {
    return this.#groups !== undefined;
  }

  /** Prepares the confinement of a process that has just been started. */
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
      // The process may have ended. Otherwise it is monitored instead of rejected.
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
  log.warn("Cannot create a control group for a sandbox; the node monitors it instead: {error}", {
    error: String(error),
  });
}

function preferAsVictim(pid: number): void {
  try {
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj), { create: false });
  } catch {
    // The process belongs to another user, when run from sources. The kernel then chooses its victim by size.
  }
}
