/**
 * What bounds a sandbox: the kernel by control groups where the node may make them, else the
 * warden.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { type Bounds, type Group, type Groups, openGroups } from "./cgroups.ts";
import { residentBytes } from "./proc.ts";
import { type Ward, Warden, type Watch } from "./warden.ts";

/** Sandboxes are ended before the node when the machine runs out of memory. */
const oomScoreAdj = 500;

const log = logger("runtime");

/** A process that can be bounded. */
export interface Boundable {
  /** Its id. */
  readonly pid: number;
  /** Sends it a signal; it may have ended. */
  signal(name: Deno.Signal): void;
  /** Set when it is bounded: tells whether it was ended for its memory. */
  outOfMemory: () => boolean;
}

/** What bounds one process. Dispose it when the process is gone. */
export interface Confinement extends AsyncDisposable {
  /**
   * Bounds the process, which has not run any code of a function yet.
   *
   * @param bounds what it may use from now on
   * @param calls tells whether calls are under way; told when there were none for some seconds
   */
  bound(bounds: Bounds, calls: Pick<Ward, "busy" | "rest">): void;
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
   * Makes ready what will bound a process.
   *
   * @param process the process, just started
   */
  async confine(process: Boundable): Promise<Confinement> {
    killFirst(process.pid);
    const group = await this.#join(process);
    let watch: Watch | undefined;
    return {
      bound: (bounds, calls) => {
        const byKernel = group !== undefined && boundGroup(group, bounds);
        const before = byKernel ? undefined : residentBytes(process.pid);
        const maxBytes = before && before + bounds.memoryMib * 2 ** 20;
        const signal = (name: Deno.Signal) => process.signal(name);
        const watched = watch = this.#warden.watch({
          pid: process.pid,
          ...calls,
          signal,
          maxBytes,
        });
        process.outOfMemory = () => watched.outOfMemory || (group?.outOfMemory() ?? false);
      },
      wake: () => watch?.wake(),
      [Symbol.asyncDispose]: async () => {
        watch?.[Symbol.dispose]();
        await group?.[Symbol.asyncDispose]();
      },
    };
  }

  /** Removes the node's control groups. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#warden[Symbol.dispose]();
    await this.#groups?.[Symbol.asyncDispose]();
  }

  async #join(process: Boundable): Promise<Group | undefined> {
    try {
      return await this.#groups?.join(process.pid);
    } catch (error) {
      // It may have ended just now; else watching it is better than not starting it.
      tellUnbounded(error);
      return undefined;
    }
  }
}

function boundGroup(group: Group, bounds: Bounds): boolean {
  try {
    group.bound(bounds);
    return true;
  } catch (error) {
    tellUnbounded(error);
    return false;
  }
}

function tellUnbounded(error: unknown): void {
  log.warn("A sandbox has no control group: {error}", { error: String(error) });
}

function killFirst(pid: number): void {
  try {
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj), { create: false });
  } catch {
    // Another user's process, from sources: the kernel decides by size.
  }
}
