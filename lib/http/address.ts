/**
 * Addresses of servers, and connections to them.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import { systemClock } from "../base/clock.ts";
import { Connection } from "./connection.ts";
import { NeverSent } from "./failures.ts";

/** Maximum time to establish a connection, ms. */
const connectTimeoutMs = 2_000;

/** Address of a TCP server. */
export interface ServerAddress {
  /** Name, or IP address without brackets. */
  readonly hostname: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * Returns the address in a URL; the default port is 80.
 *
 * @param url absolute URL, `http:`
 */
export function addressOf(url: string): ServerAddress {
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || 80) };
}

/**
 * Connects to a server.
 *
 * @param signals signals, each of which aborts the attempt
 * @throws {NeverSent} if the connection is not established within 2 s
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
