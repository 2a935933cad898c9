/**
 * The HTTP server of a node.
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

/** Connections that may wait to be accepted; the system may allow fewer. */
const backlog = 1024;

/** A server that is listening. Disposing it closes it at once. */
export interface ApiServer extends AsyncDisposable {
  /** Where programs of this machine reach it, e.g. `http://127.0.0.1:1323`. */
  readonly url: string;
  /** The port it listens on. */
  readonly port: number;
  readonly counts: ServerCounts;
  /**
   * Stops accepting connections and lets requests under way finish.
   *
   * @param graceMs how long it waits for them; what is left then ends with its invocation
   */
  shutdown(graceMs: number): Promise<void>;
}

/**
 * The bounds that a configuration sets.
 *
 * @param each descriptors that a connection takes while a request is under way on it
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
 * @param handler what answers
 * @param listen address and port; port 0 takes a free one
 * @param limits what clients are held to, where it is not the default
 * @throws `CONFIG_INVALID` if it cannot listen there
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

/** The response to a request that breaks HTTP's rules or a bound of the server. */
function refuse(status: number, message: string): OutgoingResponse {
  const code = status === 500 ? "INTERNAL" : "INVALID_REQUEST";
  return { status, headers: [jsonType], body: `${JSON.stringify({ code, message })}\n` };
}

function whyNot(cause: unknown, hostname: string, port: number): string {
  const address = `Cannot listen on ${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${address}: another program does; stop it, or set api.port (--port) to another port`;
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return `${address}: this machine has no such address; set api.listen to one it has`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `${address}: not permitted; ports below 1024 need a privilege, set api.port to a higher one`;
  }
  return `${address}: ${
    cause instanceof Error ? cause.message : cause
  }; check api.listen and api.port`;
}

/** An address that can be connected to, as it stands in a URL. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return urlHost(hostname);
}
