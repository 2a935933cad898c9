/**
 * Addresses of servers, and connections to them.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import { systemClock } from "../base/clock.ts";
import { closeQuietly } from "../base/close.ts";
import { Connection } from "./connection.ts";
import { NeverSent, TlsFailed } from "./failures.ts";
import type { Trust } from "./tls/trust.ts";

/** Default maximum time to establish a connection, ms. */
const defaultTimeoutMs = 2_000;

/** Errors of a connection that ended, whatever the reason. */
const endedErrors = [
  Deno.errors.UnexpectedEof,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
  Deno.errors.TimedOut,
];

/** Options of connections. */
export interface ConnectOptions {
  /** Certificates that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
  /** Maximum time to establish a connection, ms; by default 2 s. */
  readonly connectTimeoutMs?: number;
}

/** Address of a server. */
export interface ServerAddress {
  /** Name, or IP address without brackets. */
  readonly hostname: string;
  /** TCP port. */
  readonly port: number;
  /** True for TLS. */
  readonly isSecure: boolean;
}

/**
 * Returns the address in a URL; the default port is 80, or 443.
 *
 * @param url absolute URL, `http:` or `https:`
 */
export function addressOf(url: string): ServerAddress {
  const { hostname, port, protocol } = new URL(url);
  const isSecure = protocol === "https:";
  return {
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || (isSecure ? 443 : 80)),
    isSecure,
  };
}

/**
 * Connects to a server.
 *
 * @param signals signals, each of which aborts the attempt
 * @throws {TlsFailed} if TLS cannot be agreed on, e.g. for the server's certificate; {NeverSent} if the
 *   connection is not established in time, or ends
 */
export async function connect(
  address: ServerAddress,
  signals: readonly AbortSignal[],
  { trust, connectTimeoutMs = defaultTimeoutMs }: ConnectOptions = {},
): Promise<Connection> {
  const { hostname, port, isSecure } = address;
  using limit = timeLimit(systemClock, connectTimeoutMs, ...signals);
  try {
    const conn = await Deno.connect({ hostname, port, signal: limit.signal });
    conn.setNoDelay(true);
    return new Connection(isSecure ? await secured(conn, address, limit.signal, trust) : conn);
  } catch (cause) {
    if (cause instanceof TlsFailed) throw cause;
    throw new NeverSent(`No connection to ${hostname} port ${port}`, { cause });
  }
}

async function secured(
  plain: Deno.TcpConn,
  { hostname, port }: ServerAddress,
  signal: AbortSignal,
  trust: Trust | undefined,
): Promise<Deno.TlsConn> {
  let conn: Deno.Conn = plain;
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close);
  try {
    const caCerts = [...await trust?.certificates() ?? []];
    const secure = await Deno.startTls(plain, { hostname, caCerts });
    conn = secure;
    if (signal.aborted) close();
    await secure.handshake();
    return secure;
  } catch (cause) {
    close();
    if (signal.aborted || endedErrors.some((ended) => cause instanceof ended)) throw cause;
    const reason = (cause as Error).message;
    throw new TlsFailed(`No TLS connection to ${hostname} port ${port}: ${reason}`, { cause });
  } finally {
    signal.removeEventListener("abort", close);
  }
}
