/**
 * Addresses by which nodes reach each other.
 *
 * @module
 */

/** Interfaces of container engines and virtual machines: nobody outside reaches their addresses. */
const virtualInterface = /^(docker|br-|veth|virbr|cni|flannel)/;

/** What is read of a network interface. */
type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "address" | "family">;

/**
 * The address by which other nodes reach this one.
 *
 * @param ip `api.ip`; empty to find out
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
 * The part of a log line that says where others find a node.
 *
 * @param url where it is served
 * @param registered where others are told it is; empty or undefined: nowhere
 * @returns empty if that is the same
 */
export function registeredAs(url: string, registered: string | undefined): string {
  return !registered || registered === url ? "" : `, for other nodes at ${registered}`;
}

/** What reaches only the machine that asks. */
const loopback = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/**
 * Why others cannot reach a node by what it would register.
 *
 * @param url of its API
 * @param endpoints of etcd, `host:port` or URLs
 * @param listen address that the API listens on; undefined where a proxy stands between
 * @returns undefined if nothing is known to speak against it: etcd itself is reached by loopback, so that
 *   all of the cluster is on this machine, or the address is none of loopback
 */
export function loopbackProblem(
  url: string,
  endpoints: readonly string[],
  listen?: string,
): string | undefined {
  if (!loopback.test(new URL(url).hostname)) {
    if (listen === undefined || !loopback.test(listen)) return undefined;
    return `it listens on ${listen} only, so that nobody can connect to ${url}; set api.listen to 0.0.0.0 ` +
      "or that address, or api.url where a proxy stands between";
  }
  const shared = endpoints.find((endpoint) => {
    const { hostname } = new URL(endpoint.includes("://") ? endpoint : `http://${endpoint}`);
    return !loopback.test(hostname);
  });
  if (shared === undefined) return undefined;
  return `its address ${url} means other machines their own self, while etcd is at ${shared}; set api.ip ` +
    "or api.url to where others reach this one, and api.listen to an address that they can connect to";
}
