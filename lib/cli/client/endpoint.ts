/**
 * Address of the node that a command calls.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { contextNamed, type Contexts } from "./contexts.ts";
import { addressOf } from "../../http/address.ts";
import { hostPort } from "../../http/host_port.ts";

/** Address of a node's API. */
export interface Endpoint {
  /** Host name or address; an IPv6 address without brackets. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** True for HTTPS. */
  readonly isSecure: boolean;
  /** Key for the node; absent: none. */
  readonly key?: string;
  /** Path of a PEM file with the node's CA certificate; absent: none. */
  readonly ca?: string;
  /** Self-signed certificate of the node, PEM; absent: none. */
  readonly certificate?: string;
}

const defaultHost = "127.0.0.1";
const defaultPort = 1323;

/**
 * Returns the address of the node: from flags, otherwise the environment, a context, the configuration or
 * defaults.
 *
 * @param flags values of `--host`, a host or a URL, `--port` and `--context`
 * @param env variables `SERVERLEDGE_HOST`, `SERVERLEDGE_PORT` and `SERVERLEDGE_KEY`
 * @param readContexts reads the contexts; called only if flags and environment name no node
 * @param configuredPort reads the configured port; called only if nothing else sets it
 * @throws `INVALID_REQUEST` for an invalid host or port
 */
export async function resolveEndpoint(
  flags: { readonly host?: string; readonly port?: number; readonly context?: string },
  env: Readonly<Record<string, string>>,
  readContexts: () => Promise<Contexts>,
  configuredPort: () => Promise<number | undefined>,
): Promise<Endpoint> {
  const given = env.SERVERLEDGE_KEY || undefined;
  const namesNode = flags.host !== undefined || flags.port !== undefined ||
    Boolean(env.SERVERLEDGE_HOST || env.SERVERLEDGE_PORT);
  if (flags.context !== undefined || !namesNode) {
    const context = contextNamed(await readContexts(), flags.context);
    if (context) {
      const { url, key, ca, certificate } = context;
      return {
        ...withKey(endpointOfUrl(url), given ?? key),
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { certificate }),
      };
    }
  }
  return withKey(await namedEndpoint(flags, env, configuredPort), given);
}

function withKey(endpoint: Endpoint, key: string | undefined): Endpoint {
  return key === undefined ? endpoint : { ...endpoint, key };
}

async function namedEndpoint(
  flags: { readonly host?: string; readonly port?: number },
  env: Readonly<Record<string, string>>,
  configuredPort: () => Promise<number | undefined>,
): Promise<Endpoint> {
  const host = flags.host ?? (env.SERVERLEDGE_HOST || defaultHost);
  if (host.includes("://")) return endpointOfUrl(host, flags.port);
  const port = flags.port ?? environmentPort(env.SERVERLEDGE_PORT) ?? await configuredPort() ??
    defaultPort;
  return { host: checkHost(host), port: checkPort(port), isSecure: false };
}

/**
 * Returns the address in the URL of a node. Its port is in the URL, or the usual one of its scheme.
 *
 * @param port port that overrides that of the URL
 * @throws `INVALID_REQUEST` unless it is `http[s]://HOST[:PORT]`
 */
export function endpointOfUrl(text: string, port?: number): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `Expected the URL of a node, http[s]://HOST or http[s]://HOST:PORT, but got "${text}"`,
    );
  }
  const address = addressOf(url.href);
  return {
    host: checkHost(address.hostname),
    port: checkPort(port ?? address.port),
    isSecure: address.isSecure,
  };
}

/** Returns the authority part of an endpoint's URL, e.g. `[::1]:1323`. */
export function authority({ host, port }: Pick<Endpoint, "host" | "port">): string {
  return hostPort(host, port);
}

/** Returns the URL of an endpoint, e.g. `https://[::1]:1323`. */
export function urlOf(endpoint: Endpoint): string {
  return `${endpoint.isSecure ? "https" : "http"}://${authority(endpoint)}`;
}

function environmentPort(value: string | undefined): number | undefined {
  if (!value) return undefined;
  if (/^\d{1,5}$/.test(value)) return Number(value);
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `SERVERLEDGE_PORT: Expected 1 to 65535, but got "${value}"`,
  );
}

function checkPort(port: number): number {
  if (port >= 1 && port <= 65535) return port;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `Expected a port from 1 to 65535, but got ${port}`,
  );
}

function checkHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (
    /^[A-Za-z0-9._-]+$/.test(bare) || /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(bare)
  ) {
    return bare;
  }
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `The host must be a name or an address, and --port sets the port: current host is "${host}"`,
  );
}
