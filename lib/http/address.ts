/**
 * Where servers are, and how connections to them come about.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import { systemClock } from "../base/clock.ts";
import { Connection } from "./connection.ts";
import { NeverSent } from "./failures.ts";

/** Longest wait for a connection, ms. */
const connectTimeoutMs = 2_000;

/** A TCP server. */
export interface ServerAddress {
  /** Name, or IP address without brackets. */
  readonly hostname: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * The address in a URL.
 *
 * @param url absolute, `http:`
 */
export function addressOf(url: string): ServerAddress {
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || 80) };
}

/**
 * Makes a connection.
 *
 * @param signals each gives up
 * @throws {NeverSent} if none comes about within 2 s
 */
export async function connect(
  address: ServerAddress,
  signals: readonly AbortSignal[],
): Promise<Connection> {
  using limit = timeLimit(systemClock, connectTimeoutMs, ...signals);
  try {
    const conn = await Deno.connect({ ...address, signal: limit.signal });
    conn.setNoDelay(true);
    return new Connection(conn);
  } catch (cause) {
    throw new NeverSent(`No connection to ${address.hostname} port ${address.port}`, { cause });
  }
}
