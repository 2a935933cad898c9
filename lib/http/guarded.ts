/**
 * Requests on behalf of users who may connect to other machines, but not to this one. The host is
 * resolved here, and the connection uses exactly the address that was checked. So a name server that
 * changes its answers cannot bypass the check.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import { systemClock } from "../base/clock.ts";
import { closeQuietly } from "../base/close.ts";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { askOnce, type ExchangeOptions } from "./ask_once.ts";
import type { WholeResponse } from "./client.ts";
import { Connection } from "./connection.ts";
import { NeverSent } from "./failures.ts";
import type { HttpRequest } from "./request.ts";

/** Maximum time to establish a connection, ms. */
const connectTimeoutMs = 10_000;

/** Error for a target to which connections are forbidden. */
export class Forbidden extends Error {
  /** The class, for logs. */
  override readonly name = "Forbidden";
}

/** Limits and options of a guarded request. */
export interface GuardedOptions extends ExchangeOptions {
  /** Returns whether connections to an address are forbidden. */
  readonly forbids: (address: string) => boolean;
}

/**
 * Sends one request and reads its response. The caller follows redirects, with one call for each.
 *
 * @param url absolute URL, `http:` or `https:`
 * @param request request; the path and the host are those of the URL
 * @param options limits of the request
 * @throws {Forbidden}, {NeverSent}, {ConnectionBroken} or {BadMessage}
 */
export async function askGuarded(
  url: URL,
  request: Omit<HttpRequest, "path">,
  options: GuardedOptions,
): Promise<WholeResponse> {
  const { signal } = options;
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") {
    throw new Forbidden(`${url.protocol} is neither http: nor https:`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await choose(host, options);
  signal.throwIfAborted();
  const port = Number(url.port || (secure ? 443 : 80));
  const conn = await connectAny(addresses, port, secure ? host : undefined, signal);
  const path = url.pathname + url.search;
  const headers = [["host", url.host] as const, ...request.headers];
  return await askOnce(new Connection(conn), { ...request, path, headers }, options);
}

/** Returns the addresses of a host. A single forbidden address forbids the host. */
async function choose(host: string, { forbids }: GuardedOptions): Promise<string[]> {
  const addresses = isIP(host) ? [host] : await resolve(host);
  if (!addresses.some(forbids)) return addresses;
  throw new Forbidden(`${host} is this machine, or a link-local address`);
}

async function connectAny(
  addresses: readonly string[],
  port: number,
  secureName: string | undefined,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  let failure = new NeverSent("The host has no address");
  for (const address of addresses) {
    try {
      return await connect(address, port, secureName, signal);
    } catch (error) {
      if (!(error instanceof NeverSent)) throw error;
      failure = error;
      if (signal.aborted) break;
    }
  }
  throw failure;
}

async function resolve(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new NeverSent(`Cannot resolve ${host}`, { cause });
  }
}

async function connect(
  hostname: string,
  port: number,
  secureName: string | undefined,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  using limit = timeLimit(systemClock, connectTimeoutMs, signal);
  let conn: Deno.Conn | undefined;
  const close = () => closeQuietly(conn);
  try {
    const plain = conn = await Deno.connect({ hostname, port, signal: limit.signal });
    if (secureName === undefined) return conn;
    const secure = conn = await Deno.startTls(plain, { hostname: secureName });
    limit.signal.addEventListener("abort", close);
    await secure.handshake();
    return secure;
  } catch (cause) {
    close();
    const why = (cause as Error).message;
    throw new NeverSent(`No connection to ${hostname} port ${port}: ${why}`, { cause });
  } finally {
    limit.signal.removeEventListener("abort", close);
  }
}
