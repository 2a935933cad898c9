/**
 * HTTP server of a node.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { connectionLimits } from "../base/descriptors.ts";
import { pemProblem } from "../base/pem_file.ts";
import { urlHost } from "../http/host_port.ts";
import type { ServerLimits } from "../http/server/limits.ts";
import type { HttpHandler, OutgoingResponse } from "../http/server/messages.ts";
import { Libc } from "../http/server/libc.ts";
import { HttpServer } from "../http/server/server.ts";
import type { TlsPort } from "../http/server/tls_port.ts";
import type { CertificateFiles } from "../http/tls/certificate.ts";
import type { Config } from "../config/config.ts";
import type { ServerCounts } from "../telemetry/process_metrics.ts";
import { jsonType } from "./headers.ts";

/** Maximum number of connections that wait to be accepted; the system may allow fewer. */
const backlog = 1024;
/** Setting of the port of plain HTTP, or of TLS only, and its option. */
const plainPortKey = "api.port (--port)";

/** Time without a connection after which a draining server closes a listener, and the longest time, ms. */
const quietMs = 1_000;
const sharedMs = 60_000;

/** Server that is listening. Disposing it closes it immediately. */
export interface ApiServer extends AsyncDisposable {
  /** URL for programs of this machine, e.g. `http://127.0.0.1:1323`; `https:` if it serves TLS only. */
  readonly url: string;
  /** Port of the URL. */
  readonly port: number;
  /** True if it serves TLS only. */
  readonly isSecure: boolean;
  /** URLs for programs of this machine, for people. */
  readonly urls: string;
  /** Addresses on which it listens. */
  readonly addresses: { readonly plain?: Deno.NetAddr; readonly tls?: Deno.NetAddr };
  readonly counts: ServerCounts;
  /** Lets the clients move to another process that listens on the same ports, as {@link HttpServer.drain} does. */
  drain(): Promise<void>;
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

/** Where a server listens; at least one of `port` and `tls` is set. */
export interface ListenOptions {
  readonly hostname: string;
  /** Port of plain HTTP; 0 selects a free one. */
  readonly port: number | undefined;
  /** Port of TLS, which the server follows and disposes. */
  readonly tls?: TlsPort | undefined;
  /** True to take over the ports of another process; see {@link SharedPorts}. */
  readonly takesOver?: boolean;
}

/** Addresses of another process of this user, which lets this one share them. */
export interface SharedPorts {
  readonly plain?: { readonly port: number } | undefined;
  readonly tls?: { readonly port: number } | undefined;
}

/**
 * Returns where the configuration says that a server listens, and opens its TLS port.
 *
 * @param shared ports to take over from another process
 * @throws `CONFIG_INVALID` if the files of the certificate or the port cannot be used
 */
export async function listenOptions(
  config: Config,
  shared?: SharedPorts,
): Promise<ListenOptions> {
  const { "api.listen": hostname, "api.tls.port": tlsPort } = config;
  const takesOver = shared !== undefined;
  const port = config["api.port"] || (shared?.plain ?? shared?.tls)?.port || 0;
  const files = { cert: config["api.tls.cert"], key: config["api.tls.key"] };
  if (files.cert === "" && files.key === "") {
    if (tlsPort !== "") throw pemProblem("api.tls.port", "needs api.tls.cert and api.tls.key");
    return { hostname, port, takesOver };
  }
  if (files.key === "") throw pemProblem("api.tls.cert", "also needs api.tls.key");
  if (files.cert === "") throw pemProblem("api.tls.key", "also needs api.tls.cert");
  const isAlone = tlsPort === "";
  const tls = isAlone
    ? await openTls(files, { hostname, port, takesOver }, plainPortKey)
    : await openTls(
      files,
      { hostname, port: tlsPort || shared?.tls?.port || 0, takesOver },
      "api.tls.port",
    );
  return { hostname, port: isAlone ? undefined : port, tls, takesOver };
}

/** Opens a TLS port. Its modules are loaded only here. */
async function openTls(
  files: CertificateFiles,
  { hostname, port, takesOver }: { hostname: string; port: number; takesOver: boolean },
  key: string,
): Promise<TlsPort> {
  const { TlsPort } = await import("../http/server/tls_port.ts");
  try {
    return await TlsPort.open({
      address: { hostname, port },
      backlog,
      files,
      clock: systemClock,
      takesOver,
    });
  } catch (cause) {
    if (cause instanceof ServerledgeError) throw cause;
    throw new ServerledgeError("CONFIG_INVALID", whyNot(cause, hostname, port, key), { cause });
  }
}

/**
 * Serves the API.
 *
 * @param handler handler of requests
 * @param listen where the server listens
 * @param limits limits that differ from the defaults
 * @throws `CONFIG_INVALID` if the server cannot listen on the address
 */
export function serveApi(
  handler: HttpHandler,
  { hostname, port, tls, takesOver }: ListenOptions,
  limits?: Partial<ServerLimits>,
): ApiServer {
  const plain = port === undefined ? undefined : listenOn(hostname, port, takesOver);
  const sources = [plain, tls?.source].filter((source) => source !== undefined);
  const server = new HttpServer({ sources, handler, refuse, ...(limits && { limits }) });
  tls?.follow(server);
  const urlOf = (scheme: string, { hostname, port }: Deno.NetAddr) =>
    `${scheme}://${reachable(hostname)}:${port}`;
  const urls = [
    ...plain ? [urlOf("http", plain.addr as Deno.NetAddr)] : [],
    ...tls ? [urlOf("https", tls.addr)] : [],
  ];
  let stopped: Promise<void> | undefined;
  return {
    url: urls[0]!,
    port: ((plain ?? tls)!.addr as Deno.NetAddr).port,
    urls: urls.join(" and "),
    addresses: {
      ...plain && { plain: plain.addr as Deno.NetAddr },
      ...tls && { tls: tls.addr },
    },
    isSecure: !plain,
    counts: server,
    drain() {
      tls?.unfollow();
      return server.drain(quietMs, sharedMs);
    },
    shutdown(graceMs) {
      tls?.[Symbol.dispose]();
      return stopped ??= server.shutdown(graceMs);
    },
    [Symbol.asyncDispose]() {
      tls?.[Symbol.dispose]();
      return server[Symbol.asyncDispose]();
    },
  };
}

function listenOn(hostname: string, port: number, takesOver = false): Deno.TcpListener {
  const options = { hostname, port, tcpBacklog: backlog };
  try {
    return takesOver ? takePort(options) : Deno.listen(options);
  } catch (cause) {
    throw new ServerledgeError("CONFIG_INVALID", whyNot(cause, hostname, port, plainPortKey), {
      cause,
    });
  }
}

/** Listens on a port of another process, whose socket then receives no new connections. */
function takePort(options: Deno.TcpListenOptions): Deno.TcpListener {
  const libc = new Libc();
  const { result, descriptor } = libc.opened(() => Deno.listen({ ...options, reusePort: true }));
  if (descriptor !== undefined) libc.receiveAll(descriptor);
  return result;
}

/** Returns the response to a request that violates HTTP or exceeds a limit of the server. */
function refuse(status: number, message: string): OutgoingResponse {
  const code = status === 500 ? "INTERNAL" : "INVALID_REQUEST";
  return { status, headers: [jsonType], body: `${JSON.stringify({ code, message })}\n` };
}

/** @param key setting of the port */
function whyNot(cause: unknown, hostname: string, port: number, key: string): string {
  const address = `Cannot listen on ${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${address}: the address is in use; stop the other program, or set ${key} to another port`;
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return `${address}: this machine has no such address; set api.listen to one of its addresses`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `${address}: permission denied; ports below 1024 need a privilege, set ${key} to a higher port`;
  }
  return `${address}: ${
    cause instanceof Error ? cause.message : cause
  }; check api.listen and ${key}`;
}

/** Returns an address for connections to the server, in the notation of URLs. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return urlHost(hostname);
}
