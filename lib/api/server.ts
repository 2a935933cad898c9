/**
 * The HTTP server of a node.
 *
 * @module
 */

import type { Hono } from "hono";
import { ServerledgeError } from "../base/errors.ts";
import { codedError, errorAnswer } from "./errors.ts";

/** A server that is listening. Disposing it closes it at once. */
export interface ApiServer extends AsyncDisposable {
  /** Where programs of this machine reach it, e.g. `http://127.0.0.1:1323`. */
  readonly url: string;
  /** The port it listens on. */
  readonly port: number;
  /**
   * Stops accepting connections and lets requests under way finish.
   *
   * @param graceMs how long it waits for them; what is left then ends with its invocation
   */
  shutdown(graceMs: number): Promise<void>;
}

/**
 * Serves the API.
 *
 * @param app what answers
 * @param listen address and port; port 0 takes a free one
 * @throws `INVALID_REQUEST` if it cannot listen there
 */
export function serveApi(
  app: Hono,
  listen: { hostname: string; port: number },
): ApiServer {
  const closing = new AbortController();
  const server = start(app, listen, closing.signal);
  let stopped: Promise<void> | undefined;
  const { hostname, port } = server.addr;
  return {
    url: `http://${reachable(hostname)}:${port}`,
    port,
    shutdown(graceMs) {
      stopped ??= stopWithin(server, graceMs);
      return stopped;
    },
    async [Symbol.asyncDispose]() {
      // Aborting a server that is shutting down is an error.
      if (!stopped) closing.abort();
      await (stopped ?? server.finished);
    },
  };
}

function start(
  app: Hono,
  { hostname, port }: { hostname: string; port: number },
  signal: AbortSignal,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname,
      port,
      signal,
      onListen: () => {},
      onError: (thrown) => errorAnswer(codedError(thrown)),
    }, app.fetch);
  } catch (cause) {
    throw new ServerledgeError("INVALID_REQUEST", whyNot(cause, hostname, port), { cause });
  }
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

async function stopWithin(server: Deno.HttpServer, graceMs: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  await Promise.race([server.shutdown(), over]).finally(() => clearTimeout(timer));
}

/** An address that can be connected to, as it stands in a URL. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
