/**
 * Control groups, version 1 and 2. If the node may create them, the kernel limits the resources of sandboxes.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { pause } from "../../../base/async.ts";
import { randomId } from "../../../base/ids.ts";
import { logger } from "../../../base/log.ts";
import { exists } from "../../../base/text_file.ts";

const mounts = "/sys/fs/cgroup";
/** Period of the CPU limit, us. It is shorter than the kernel's default of 100 ms to keep pauses short. */
const cpuPeriodUs = 50_000;
/** Minimum quota that the kernel accepts, us. */
const minCpuQuotaUs = 1_000;
/** Number of attempts to remove a group. The kernel may register the end of its last process with a delay. */
const removeAttempts = 20;
const removeDelayMs = 25;

/** Limits of a sandbox. */
export interface Bounds {
  /** Memory, MiB, in addition to what the sandbox uses when the limit is set. */
  readonly memoryMib: number;
  /** CPU, cores; 0: no limit. */
  readonly cpu: number;
  /** Processes and threads. */
  readonly pids: number;
}

/** Control group of one sandbox. Disposing it removes the group, whose processes must have ended. */
export interface Group extends AsyncDisposable {
  /**
   * Limits the processes of the group from now on.
   *
   * @throws if the kernel refuses
   */
  bound(bounds: Bounds): void;
  /** Reports whether the kernel has killed a process of the group because of its memory usage. */
  outOfMemory(): boolean;
}

/** Process of a node that owns sandboxes. */
export interface Owner {
  readonly nodeId: string;
  /** Id of the process of the node. */
  readonly process: string;
}

/** Factory of control groups below the node's. */
export interface Groups extends AsyncDisposable {
  /**
   * Moves a process into a new group without limits. The kernel takes some time for it, so it is best done
   * while the process starts.
   *
   * @throws if the kernel refuses
   */
  join(pid: number): Promise<Group>;
}

/**
 * Creates groups if the node may. Removes groups of earlier processes and ends the processes in them.
 *
 * @param formerEnded resolves when the earlier process of the node has ended, if it is still running
 * @throws if the node may not create groups
 */
export async function createGroups(
  { nodeId, process }: Owner,
  formerEnded?: Promise<void>,
): Promise<Groups> {
  const name = `serverledge-${nodeId}`;
  const own = ownGroups(Deno.readTextFileSync("/proc/self/cgroup"));
  const groups = exists(`${mounts}/cgroup.controllers`)
    ? new GroupsV2(process, homeV2(own.get("") ?? "/"), name)
    : new GroupsV1(process, new Map(controllersV1.map((one) => [one, homeV1(one, own)])), name);
  try {
    await groups.start(formerEnded);
    return groups;
  } catch (error) {
    await groups[Symbol.asyncDispose]();
    throw error;
  }
}

/** Creates groups like {@link createGroups}. Resolves to undefined if the node may not create any. */
export async function openGroups(
  owner: Owner,
  formerEnded?: Promise<void>,
): Promise<Groups | undefined> {
  try {
    return await createGroups(owner, formerEnded);
  } catch (error) {
    const reason = (error as Error).message;
    logger("runtime").info(
      "Control groups are not available ({reason}); the node monitors sandboxes instead",
      {
        reason,
      },
    );
    return undefined;
  }
}

/**
 * Returns the groups of a process by controller; version 2 has the empty name.
 *
 * @param text of `/proc/self/cgroup`
 */
export function ownGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    for (const controller of controllers!.split(",")) groups.set(controller, path);
  }
  return groups;
}

const controllersV1 = ["memory", "cpu", "pids"] as const;

/** Returns a path below the node's own group, whose limits then apply to its sandboxes. */
function homeV1(controller: string, own: ReadonlyMap<string, string>): string {
  const nested = join(mounts, controller, own.get(controller) ?? "/");
  return exists(nested) ? nested : join(mounts, controller);
}

/** Group of the node's own process below a group that a service manager has delegated to its user. */
const leaf = "node";

/**
 * Returns the path of the group, of version 2, that a service manager has delegated to a process that is not
 * root: its own, or the one above if the process has moved one level down.
 *
 * @param own group of the process, from `/proc/PID/cgroup`
 * @param uid user of the process
 * @returns undefined if no group is delegated to the process
 */
export function delegatedGroup(own: string, uid: number | null): string | undefined {
  const path = join(mounts, basename(own) === leaf ? dirname(own) : own);
  if (!uid || !/\bmemory\b/.test(read(join(path, "cgroup.controllers")))) return undefined;
  try {
    return Deno.statSync(path).uid === uid ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns a path next to the node's own group, because a group that has processes cannot limit groups below
 * it. The main process of a service whose group is delegated (systemd: `Delegate=`) moves one level down.
 */
function homeV2(own: string): string {
  const delegated = delegatedGroup(own, Deno.uid());
  if (delegated !== undefined && basename(own) === leaf) return delegated;
  // In a terminal, the group has processes that are not the node's: they stay where they are.
  if (delegated !== undefined && Deno.env.get("SYSTEMD_EXEC_PID") === String(Deno.pid)) {
    attempt(() => Deno.mkdirSync(join(delegated, leaf)));
    for (const pid of read(join(delegated, "cgroup.procs")).split("\n").filter(Boolean)) {
      write(join(delegated, leaf), "cgroup.procs", pid);
    }
    return delegated;
  }
  const sibling = join(mounts, dirname(own));
  const bounds = (folder: string) =>
    exists(folder) && /\bmemory\b/.test(read(`${folder}/cgroup.subtree_control`));
  return bounds(sibling) ? sibling : mounts;
}

/** Common part of both versions: folders with files. */
abstract class GroupsBase implements Groups {
  /** Folders of the node's groups. */
  protected abstract readonly folders: readonly string[];
  /** Beginning of the names of the groups of this process. */
  readonly #prefix: string;

  constructor(process: string) {
    this.#prefix = `${process}-`;
  }

  async start(formerEnded?: Promise<void>): Promise<void> {
    const clearOthers = () => this.#clear((name) => !name.startsWith(this.#prefix));
    if (formerEnded) void formerEnded.then(clearOthers);
    else await clearOthers();
    this.prepare();
    // Only a trial shows what the kernel allows.
    await using trial = this.#make();
    trial.bound({ memoryMib: 64, cpu: 1, pids: 64 });
  }

  async join(pid: number): Promise<Group> {
    const group = this.#make();
    try {
      await Promise.all(group.folders.map((folder) => moveInto(folder, pid)));
      return group;
    } catch (error) {
      await group[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clear((name) => name.startsWith(this.#prefix));
    // It stays while another process of the node uses it.
    for (const folder of this.folders) attempt(() => Deno.removeSync(folder));
  }

  protected abstract prepare(): void;

  /** Writes the bounds of a group. */
  protected abstract bound(name: string, bounds: Bounds): void;

  /** Returns the file in which the kernel counts the processes that it killed. */
  protected abstract eventsFile(name: string): string;

  #make(): Group & { folders: readonly string[] } {
    const name = `${this.#prefix}${randomId(12)}`;
    const folders = this.folders.map((folder) => join(folder, name));
    for (const folder of folders) Deno.mkdirSync(folder);
    const remove = async () => {
      for (const folder of folders) await removeGroup(folder);
    };
    return {
      folders,
      bound: (bounds) => this.bound(name, bounds),
      outOfMemory: () => /^oom_kill [1-9]/m.test(read(this.eventsFile(name))),
      [Symbol.asyncDispose]: remove,
    };
  }

  async #clear(isOver: (name: string) => boolean): Promise<void> {
    for (const folder of this.folders) {
      if (!exists(folder)) continue;
      for (const { name, isDirectory } of Deno.readDirSync(folder)) {
        if (!isDirectory || !isOver(name)) continue;
        endAll(read(join(folder, name, "cgroup.procs")));
        await removeGroup(join(folder, name));
      }
    }
  }
}

/** Version 2: one folder with all controllers. */
class GroupsV2 extends GroupsBase {
  protected override readonly folders: readonly string[];
  readonly #home: string;

  constructor(process: string, home: string, name: string) {
    super(process);
    this.#home = home;
    this.folders = [join(home, name)];
  }

  protected override prepare(): void {
    const folder = this.folders[0]!;
    attempt(() => write(this.#home, "cgroup.subtree_control", "+memory +cpu +pids"));
    Deno.mkdirSync(folder, { recursive: true });
    write(folder, "cgroup.subtree_control", "+memory +cpu +pids");
  }

  protected override bound(name: string, { memoryMib, cpu, pids }: Bounds): void {
    const folder = join(this.folders[0]!, name);
    const used = Number(read(join(folder, "memory.current")));
    write(folder, "memory.max", used + memoryMib * 2 ** 20);
    attempt(() => write(folder, "memory.swap.max", 0));
    write(folder, "pids.max", pids);
    if (cpu > 0) write(folder, "cpu.max", `${quota(cpu)} ${cpuPeriodUs}`);
  }

  protected override eventsFile(name: string): string {
    return join(this.folders[0]!, name, "memory.events");
  }
}

/** Version 1: a folder for each controller. */
class GroupsV1 extends GroupsBase {
  protected override readonly folders: readonly string[];
  readonly #of: (controller: (typeof controllersV1)[number]) => string;

  constructor(process: string, homes: ReadonlyMap<string, string>, name: string) {
    super(process);
    this.#of = (controller) => join(homes.get(controller)!, name);
    this.folders = controllersV1.map(this.#of);
  }

  protected override prepare(): void {
    for (const folder of this.folders) Deno.mkdirSync(folder, { recursive: true });
  }

  protected override bound(name: string, { memoryMib, cpu, pids }: Bounds): void {
    const memory = join(this.#of("memory"), name);
    const used = Number(read(join(memory, "memory.usage_in_bytes")));
    write(memory, "memory.limit_in_bytes", used + memoryMib * 2 ** 20);
    attempt(() => write(memory, "memory.swappiness", 0));
    write(join(this.#of("pids"), name), "pids.max", pids);
    if (cpu <= 0) return;
    write(join(this.#of("cpu"), name), "cpu.cfs_period_us", cpuPeriodUs);
    write(join(this.#of("cpu"), name), "cpu.cfs_quota_us", quota(cpu));
  }

  protected override eventsFile(name: string): string {
    return join(this.#of("memory"), name, "memory.oom_control");
  }
}

function quota(cpu: number): number {
  return Math.max(Math.round(cpu * cpuPeriodUs), minCpuQuotaUs);
}

/** Writes a setting of a group. The file must be neither created nor truncated. */
function write(folder: string, file: string, value: string | number): void {
  using handle = Deno.openSync(join(folder, file), { write: true });
  handle.writeSync(new TextEncoder().encode(String(value)));
}

async function moveInto(folder: string, pid: number): Promise<void> {
  using handle = await Deno.open(join(folder, "cgroup.procs"), { write: true });
  await handle.write(new TextEncoder().encode(String(pid)));
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Not every kernel has this file.
  }
}

function endAll(pids: string): void {
  for (const pid of pids.split("\n").filter((line) => line !== "")) {
    attempt(() => Deno.kill(Number(pid), "SIGKILL"));
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      Deno.removeSync(folder);
      return;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempt === removeAttempts) {
        logger("runtime").warn("Cannot remove the control group {folder}: {error}", {
          folder,
          error: String(error),
        });
        return;
      }
    }
    await pause(removeDelayMs);
  }
}
