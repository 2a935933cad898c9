/**
 * File descriptors of a process, and the limits of client connections and instances derived from them.
 *
 * @module
 */

/** Descriptors that are reserved from client connections: share of the free ones, and the minimum. */
export const reserveShare = 0.25;
const minReserve = 16;
/** Maximum descriptors of one instance: a sandbox needs five for pipes and process, a container two. */
export const instanceDescriptors = 5;
/** Number of descriptors that are open only while an instance starts. */
const startDescriptors = 6;
/** Minimum number of connections of a server, however few descriptors are free. */
const minConnections = 4;

/** Number of file descriptors below which a busy server may run out of them. */
export const fewDescriptors = 4_096;

/** Values of `RLIMIT_NOFILE`; `Infinity` if unlimited. */
export interface DescriptorLimit {
  /** Maximum number of descriptors of the process. */
  readonly soft: number;
  /** Maximum to which the process may raise the soft limit. */
  readonly hard: number;
}

/**
 * Parses the descriptor limit of a process.
 *
 * @param limits text of `/proc/PID/limits`
 */
export function readDescriptorLimit(limits: string): DescriptorLimit {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limits) ?? [];
  const count = (text: string | undefined) => text && /^\d+$/.test(text) ? Number(text) : Infinity;
  return { soft: count(soft), hard: count(hard) };
}

/** Reads the descriptor limit of this process. */
export function descriptorLimit(): DescriptorLimit {
  return readDescriptorLimit(Deno.readTextFileSync("/proc/self/limits"));
}

/**
 * Raises the soft limit of this process to its hard limit by `prlimit` of util-linux. Deno has no call
 * for it, and a shell could raise the limit only for a process that it starts.
 *
 * @returns the resulting limit, which is unchanged if the tool is missing
 */
export async function raiseDescriptorLimit(): Promise<DescriptorLimit> {
  const { soft, hard } = descriptorLimit();
  if (soft >= hard) return { soft, hard };
  const value = hard === Infinity ? "unlimited" : String(hard);
  const args = ["--pid", String(Deno.pid), `--nofile=${value}:${value}`];
  try {
    await new Deno.Command("prlimit", { args, stdin: "null", stdout: "null", stderr: "null" })
      .output();
  } catch {
    // The limit cannot be raised: the caller gets the current one.
  }
  return descriptorLimit();
}

/**
 * Returns the maximum number of connections of a server.
 *
 * @param soft maximum number of descriptors of the process
 * @param open number of its open descriptors
 * @param each descriptors of a connection during a request
 */
export function connectionsFor(soft: number, open: number, each = 1): number {
  return Math.max(minConnections, Math.floor((freeOf(soft, open) - reserveOf(soft, open)) / each));
}

/**
 * Returns the maximum number of instances, whose descriptors are taken from the reserve.
 *
 * @param soft maximum number of descriptors of the process
 * @param open number of its open descriptors
 */
export function instancesFor(soft: number, open: number): number {
  return Math.max(1, Math.floor((reserveOf(soft, open) - startDescriptors) / instanceDescriptors));
}

/** Returns the maximum number of instances of this process. */
export function instanceLimit(): number {
  return instancesFor(descriptorLimit().soft, openDescriptors());
}

/**
 * Returns the connection limits of a server in this process.
 *
 * @param asked configured limits of all connections and of those of one address; 0 for as many as there
 *   are descriptors for, and for half of all connections
 * @param each descriptors of a connection during a request
 */
export function connectionLimits(
  asked: { readonly all: number; readonly ofAddress: number },
  each = 1,
): { connections: number; connectionsOfAddress: number } {
  const possible = connectionsFor(descriptorLimit().soft, openDescriptors(), each);
  const connections = asked.all > 0 ? Math.min(asked.all, possible) : possible;
  return {
    connections,
    connectionsOfAddress: asked.ofAddress > 0 ? asked.ofAddress : Math.ceil(connections / 2),
  };
}

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function freeOf(soft: number, open: number): number {
  return Math.max(0, soft - open);
}

function reserveOf(soft: number, open: number): number {
  return Math.max(minReserve, Math.floor(reserveShare * freeOf(soft, open)));
}
