/**
 * Parser and writer for addresses with ports in URLs, headers and records.
 *
 * @module
 */

/**
 * Returns a host in the notation of URLs.
 *
 * @param host name or IP address
 * @returns the host, an IPv6 address in brackets
 */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * Returns an address and port as `address:port`, an IPv6 address in brackets.
 *
 * @param address name or IP address
 */
export function hostPort(address: string, port: number): string {
  return `${urlHost(address)}:${port}`;
}

/**
 * Parses an address and port.
 *
 * @param text `address:port`, an IPv6 address in brackets
 * @returns undefined if the text has another form, or the port is out of range
 */
export function parseHostPort(text: string): { hostname: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  return hostname !== undefined && port > 0 && port < 65536 ? { hostname, port } : undefined;
}
