/**
 * How many descriptors a process may have, and so how many connections.
 *
 * @module
 */

import type { ServerLimits } from "./limits.ts";

/** What is kept for everything but clients: a share of what is free, and its bounds. */
const reserveShare = 0.25;
const minReserve = 16;
const maxReserve = 1024;
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
    // There is none: what holds is told to the caller.
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
  const free = Math.max(0, soft - open);
  const reserve = Math.min(maxReserve, Math.max(minReserve, Math.floor(reserveShare * free)));
  return Math.max(minConnections, Math.floor((free - reserve) / each));
}

/**
 * The bounds of connections of a server in this process.
 *
 * @param asked what the configuration says; 0: what there are descriptors for, of one address half of it
 * @param each as of {@link connectionsFor}
 */
export function connectionLimits(
  asked: { readonly all: number; readonly ofAddress: number },
  each = 1,
): Pick<ServerLimits, "connections" | "connectionsOfAddress"> {
  const open = [...Deno.readDirSync("/proc/self/fd")].length;
  const possible = connectionsFor(descriptorLimit().soft, open, each);
  const connections = asked.all > 0 ? Math.min(asked.all, possible) : possible;
  return {
    connections,
    connectionsOfAddress: asked.ofAddress > 0 ? asked.ofAddress : Math.ceil(connections / 2),
  };
}
