/**
 * Addresses with ports as they stand in URLs, headers and records.
 *
 * @module
 */

/**
 * Writes a host as it stands in a URL.
 *
 * @param host a name or IP address
 * @returns the same, IPv6 addresses in brackets
 */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * Writes an address and port.
 *
 * @param address a name or IP address
 */
export function hostPort(address: string, port: number): string {
  return `${urlHost(address)}:${port}`;
}

/**
 * Reads an address and port.
 *
 * @param text `address:port`, an IPv6 address in brackets
 * @returns undefined if it is none
 */
export function parseHostPort(text: string): { hostname: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  return hostname !== undefined && port > 0 && port < 65536 ? { hostname, port } : undefined;
}
