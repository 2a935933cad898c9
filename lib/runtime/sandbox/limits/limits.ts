/**
 * What bounds a sandbox: the kernel by control groups where the node may make them, else the
 * warden.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import type { SandboxProcess } from "../process.ts";
import { type Bounds, type Groups, openGroups } from "./cgroups.ts";
import { residentBytes } from "./proc.ts";
import { Warden, type Watch } from "./warden.ts";

/** Sandboxes are ended before the node when the machine runs out of memory. */
const oomScoreAdj = 500;

const log = logger("runtime");

/** A process within bounds. Dispose it when the process is gone. */
export interface Confined extends AsyncDisposable {
  /** Must be called before each call to it. */
  wake(): void;
}

/** Bounds the sandboxes of a node. */
export class Limits implements AsyncDisposable {
  readonly #groups: Groups | undefined;
  readonly #warden = new Warden();

  private constructor(groups: Groups | undefined) {
    this.#groups = groups;
  }

  /**
   * Finds out what the node may do.
   *
   * @param nodeId the node's
   * @param useGroups false to do without control groups
   */
  static async open(nodeId: string, useGroups: boolean): Promise<Limits> {
    return new Limits(useGroups ? await openGroups(nodeId) : undefined);
  }

  /** True if the kernel bounds sandboxes, false if the node watches them. */
  get byKernel(): boolean {
    return this.#groups !== undefined;
  }

  /**
   * Bounds a process that has not run any code of a function yet.
   *
   * @param process the process
   * @param bounds what it may use from now on
   * @param busy tells whether calls are under way
   */
  confine(process: SandboxProcess, bounds: Bounds, busy: () => boolean): Confined {
    killFirst(process.pid);
    const group = this.#group(process, bounds);
    const before = residentBytes(process.pid);
    const watch: Watch = this.#warden.watch({
      pid: process.pid,
      busy,
      signal: (name) => process.signal(name),
      maxBytes: group || before === undefined ? undefined : before + bounds.memoryMib * 2 ** 20,
    });
    process.outOfMemory = () => watch.outOfMemory || (group?.outOfMemory() ?? false);
    return {
      wake: () => watch.wake(),
      [Symbol.asyncDispose]: async () => {
        watch[Symbol.dispose]();
        await group?.[Symbol.asyncDispose]();
      },
    };
  }

  /** Removes the node's control groups. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#warden[Symbol.dispose]();
    await this.#groups?.[Symbol.asyncDispose]();
  }

  #group(process: SandboxProcess, bounds: Bounds) {
    try {
      return this.#groups?.confine(process.pid, bounds);
    } catch (error) {
      // It may have ended just now; else watching it is better than not starting it.
      log.warn("Sandbox {pid} has no control group: {error}", {
        pid: process.pid,
        error: String(error),
      });
      return undefined;
    }
  }
}

function killFirst(pid: number): void {
  try {
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj), { create: false });
  } catch {
    // Another user's process, from sources: the kernel decides by size.
  }
}
