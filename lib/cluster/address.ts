/**
 * Addresses at which nodes reach each other.
 *
 * @module
 */

import { hostPort } from "../http/host_port.ts";

/**
 * Interfaces of container engines and virtual machines: their addresses are unreachable from
 * outside.
 */
const virtualInterface = /^(docker|br-|veth|virbr|cni|flannel)/;

type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "address" | "family">;

/**
 * Determines the address at which other nodes reach this one.
 *
 * @param ip `api.ip`; empty to detect it
 * @param listen `api.listen`
 * @param interfaces lists this machine's network interfaces
 * @returns an IP address
 */
export function ownAddress(
  ip: string,
  listen: string,
  interfaces: () => readonly Interface[] = Deno.networkInterfaces,
): string {
  if (ip !== "") return ip;
  if (listen === "localhost") return "127.0.0.1";
  if (listen !== "0.0.0.0" && listen !== "::") return listen;
  const outside = interfaces().find(({ name, address, family }) =>
    family === "IPv4" && !address.startsWith("127.") && !virtualInterface.test(name)
  );
  return outside?.address ?? "127.0.0.1";
}

/**
 * Returns the URL of an API.
 *
 * @param address IP address at which others reach it
 * @param isSecure whether the port serves TLS
 */
export function urlOf(address: string, port: number, isSecure: boolean): string {
  return `${isSecure ? "https" : "http"}://${hostPort(address, port)}`;
}

/**
 * Formats the address at which others reach a node, to be added to a log line.
 *
 * @param url at which it is served
 * @param registered URL that it registers; empty or undefined: none
 * @returns empty if both are the same
 */
export function registeredAs(url: string, registered: string | undefined): string {
  return !registered || registered === url ? "" : `, for other nodes at ${registered}`;
}

/** Hosts that always mean the machine itself. */
const loopback = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/**
 * Explains why other nodes cannot reach a node at the address that it would register.
 *
 * @param url of its API
 * @param endpoints of etcd, `host:port` or URLs
 * @param listen address that the API listens on; undefined behind a proxy
 * @returns undefined if no problem is known: the address is not loopback, or etcd is reached by
 *   loopback as well, so the whole cluster is on this machine
 */
export function loopbackProblem(
  url: string,
  endpoints: readonly string[],
  listen?: string,
): string | undefined {
  if (!loopback.test(new URL(url).hostname)) {
    if (listen === undefined || !loopback.test(listen)) return undefined;
    return `it listens on ${listen} only, so other nodes cannot connect to ${url}; set ` +
      "api.listen to 0.0.0.0 or that address, or api.url if it is behind a proxy";
  }
  const shared = endpoints.find((endpoint) => {
    const { hostname } = new URL(endpoint.includes("://") ? endpoint : `http://${endpoint}`);
    return !loopback.test(hostname);
  });
  if (shared === undefined) return undefined;
  return `other machines cannot reach its address ${url}, but etcd is at ${shared}; set ` +
    "api.ip or api.url to an address that they can reach, and api.listen to an interface " +
    "that accepts their connections";
}
