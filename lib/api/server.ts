/**
 * HTTP server of a node.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { connectionLimits } from "../base/descriptors.ts";
import { urlHost } from "../http/host_port.ts";
import type { ServerLimits } from "../http/server/limits.ts";
import type { HttpHandler, OutgoingResponse } from "../http/server/messages.ts";
import { HttpServer } from "../http/server/server.ts";
import type { Config } from "../config/config.ts";
import type { ServerCounts } from "../telemetry/process_metrics.ts";
import { jsonType } from "./headers.ts";

/** Maximum number of connections that wait to be accepted; the system may allow fewer. */
const backlog = 1024;

/** Server that is listening. Disposing it closes it immediately. */
export interface ApiServer extends AsyncDisposable {
  /** URL for programs of this machine, e.g. `http://127.0.0.1:1323`. */
  readonly url: string;
  /** Port of the server. */
  readonly port: number;
  readonly counts: ServerCounts;
  /**
   * Stops accepting connections and waits for requests in progress.
   *
   * @param graceMs maximum time to wait, ms; the remaining requests end with their invocations
   */
  shutdown(graceMs: number): Promise<void>;
}

/**
 * Returns the limits that a configuration sets.
 *
 * @param each number of descriptors of a connection with a request in progress
 */
export function serverLimits(config: Config, each = 1): Partial<ServerLimits> {
  const all = config["api.connections.max"];
  const ofAddress = config["api.connections.client"];
  return {
    ...connectionLimits({ all, ofAddress }, each),
    idleMs: config["api.idle.timeout"] * 1000,
  };
}

/**
 * Serves the API.
 *
 * @param handler handler of requests
 * @param listen address and port; port 0 selects a free one
 * @param limits limits that differ from the defaults
 * @throws `CONFIG_INVALID` if the server cannot listen on the address
 */
export function serveApi(
  handler: HttpHandler,
  { hostname, port }: { hostname: string; port: number },
  limits?: Partial<ServerLimits>,
): ApiServer {
  const listener = listenOn(hostname, port);
  const server = new HttpServer({ listener, handler, refuse, ...(limits && { limits }) });
  const { addr } = listener;
  let stopped: Promise<void> | undefined;
  return {
    url: `http://${reachable(addr.hostname)}:${addr.port}`,
    port: addr.port,
    counts: server,
    shutdown: (graceMs) => stopped ??= server.shutdown(graceMs),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function listenOn(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, tcpBacklog: backlog });
  } catch (cause) {
    throw new ServerledgeError("CONFIG_INVALID", whyNot(cause, hostname, port), { cause });
  }
}

/** Returns the response to a request that violates HTTP or exceeds a limit of the server. */
function refuse(status: number, message: string): OutgoingResponse {
  const code = status === 500 ? "INTERNAL" : "INVALID_REQUEST";
  return { status, headers: [jsonType], body: `${JSON.stringify({ code, message })}\n` };
}

function whyNot(cause: unknown, hostname: string, port: number): string {
  const address = `Cannot listen on ${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${address}: the address is in use; stop the other program, or set api.port (--port) to another port`;
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return `${address}: this machine has no such address; set api.listen to one of its addresses`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `${address}: permission denied; ports below 1024 need a privilege, set api.port to a higher port`;
  }
  return `${address}: ${
    cause instanceof Error ? cause.message : cause
  }; check api.listen and api.port`;
}

/** Returns an address for connections to the server, in the notation of URLs. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return urlHost(hostname);
}
