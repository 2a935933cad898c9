/**
 * Descriptors that a process may have, and what they bound: connections of clients and instances.
 *
 * @module
 */

/** Descriptors that clients do not get: a share of the free ones, and the fewest. */
export const reserveShare = 0.25;
const minReserve = 16;
/** Descriptors of one instance: pipes and the process of a sandbox are five, a container takes two. */
export const instanceDescriptors = 5;
/** Descriptors that are open only while an instance starts. */
const startDescriptors = 6;
/** A server that can serve nobody would be none. */
const minConnections = 4;

/** Bounds of `RLIMIT_NOFILE`; `Infinity` if there is none. */
export interface DescriptorLimit {
  /** What the process may have. */
  readonly soft: number;
  /** What it may allow itself. */
  readonly hard: number;
}

/**
 * The limit of a process.
 *
 * @param limits text of `/proc/PID/limits`
 */
export function readDescriptorLimit(limits: string): DescriptorLimit {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limits) ?? [];
  const count = (text: string | undefined) => text && /^\d+$/.test(text) ? Number(text) : Infinity;
  return { soft: count(soft), hard: count(hard) };
}

/** The limit of this process. */
export function descriptorLimit(): DescriptorLimit {
  return readDescriptorLimit(Deno.readTextFileSync("/proc/self/limits"));
}

/**
 * Raises this process's limit as far as it may, by `prlimit` of util-linux: the platform has no call
 * for it, and a shell could only do it for a process that it starts.
 *
 * @returns the limit that holds now; it is the old one where the tool is missing
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
 * How many connections a server may have.
 *
 * @param soft descriptors that the process may have
 * @param open descriptors that it has
 * @param each descriptors that a connection takes while a request is under way on it
 */
export function connectionsFor(soft: number, open: number, each = 1): number {
  return Math.max(minConnections, Math.floor((freeOf(soft, open) - reserveOf(soft, open)) / each));
}

/**
 * How many instances there may be: their descriptors come from the reserve.
 *
 * @param soft descriptors that the process may have
 */
export function instancesFor(soft: number, open: number): number {
  return Math.max(1, Math.floor((reserveOf(soft, open) - startDescriptors) / instanceDescriptors));
}

/** How many instances this process may have. */
export function instanceLimit(): number {
  return instancesFor(descriptorLimit().soft, openDescriptors());
}

/**
 * The bounds of connections of a server in this process.
 *
 * @param asked what the configuration says; 0: what there are descriptors for, of one address half of it
 * @param each as in {@link connectionsFor}
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
