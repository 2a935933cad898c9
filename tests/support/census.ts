/**
 * What a node holds of its machine, counted from outside: what is still there after its functions
 * are gone has leaked.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { nodeContainers } from "./docker.ts";

/** What a node holds. */
export interface Census {
  /** Open descriptors by what they lead to; sockets and pipes by their kind. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Processes that it started. */
  readonly children: number;
  /** Containers with its label. */
  readonly containers: number;
  /** Networks of its engine with its id. */
  readonly networks: number;
  /** Files and folders, in its folders and among temporary ones. */
  readonly files: number;
  /** Control groups for its sandboxes. */
  readonly groups: number;
}

/** Whose things are counted. */
export interface CensusOptions {
  /** The node's process. */
  readonly pid: number;
  /** Its id. */
  readonly nodeId: string;
  /** Folders that are its own. */
  readonly folders: readonly string[];
}

/**
 * Counts what a node holds now.
 *
 * @param options whose
 */
export async function takeCensus({ pid, nodeId, folders }: CensusOptions): Promise<Census> {
  const docker = new Docker();
  const networks = await docker.listNetworks();
  const counts = await Promise.all(folders.map(countFiles));
  return {
    descriptors: descriptors(pid),
    children: children(pid),
    containers: (await nodeContainers(nodeId)).length,
    networks: networks.filter(({ Name }) => Name.includes(nodeId)).length,
    files: counts.reduce((sum, count) => sum + count, 0),
    groups: await countGroups("/sys/fs/cgroup", `serverledge-${nodeId}`),
  };
}

/** The smallest memory of a node over some time, MiB: what it needs, without its garbage. */
export interface LeastMemory {
  /** JavaScript objects and buffers. */
  readonly live: number;
  /** Allocations of native code, but for buffers of 64 KiB and more. */
  readonly native: number;
}

/**
 * Environment of a node whose native memory is measured: the allocator returns freed memory to the system
 * (mallopt(3)) instead of keeping tens of MiB of fragments, and takes all but large buffers from one heap.
 */
export const tidyAllocator = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_MMAP_THRESHOLD_: "65536",
} as const;

/** Interval of samples, ms: shorter than that of garbage collections. */
const sampleEveryMs = 50;

/**
 * Samples the memory of a node during some work. What V8 has reserved and pages of files are not counted: they
 * come and go without anything being kept.
 *
 * @param node where it listens, and its process
 * @param work what the node is kept busy with
 */
export async function leastMemory(
  { url, pid }: { url: string; pid: number },
  work: () => Promise<void>,
): Promise<LeastMemory> {
  let live = Infinity;
  let native = Infinity;
  let working = true;
  const sampling = (async () => {
    while (working) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const of = (kind: string) =>
        Number(new RegExp(`memory_bytes{kind="${kind}"} (\\S+)`).exec(text)![1]) / 2 ** 20;
      live = Math.min(live, of("heap_used") + of("external"));
      native = Math.min(native, allocatedMib(pid));
      await new Promise((resolve) => setTimeout(resolve, sampleEveryMs));
    }
  })();
  try {
    await work();
  } finally {
    working = false;
    await sampling;
  }
  return { live, native };
}

/** Resident part of the heap that the C allocator grows by brk(2), MiB. */
function allocatedMib(pid: number): number {
  const maps = Deno.readTextFileSync(`/proc/${pid}/smaps`);
  return Number(/\[heap\]\n(?:\w+:.*\n)*?Rss:\s+(\d+) kB/.exec(maps)![1]) / 1024;
}

function descriptors(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    let target;
    try {
      target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      continue; // closed meanwhile
    }
    const kind = target.replace(/^(socket|pipe):.*/, "$1");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function children(pid: number): number {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return tasks.flatMap(({ name }) => {
    try {
      const list = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
      return list.split(" ").filter((child) => child !== "");
    } catch {
      return []; // a thread that ended
    }
  }).length;
}

async function countFiles(folder: string): Promise<number> {
  let count = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      count += 1 + (isDirectory ? await countFiles(`${folder}/${name}`) : 0);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // removed meanwhile
  }
  return count;
}

/** Folders below those of a name; both versions of control groups have a folder for each group. */
async function countGroups(folder: string, name: string, inside = false): Promise<number> {
  let count = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.isDirectory) continue;
      const below = `${folder}/${entry.name}`;
      count += (inside ? 1 : 0) + await countGroups(below, name, inside || entry.name === name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // removed meanwhile
  }
  return count;
}
