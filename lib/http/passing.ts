/**
 * Filter for headers that a proxy forwards.
 *
 * @module
 */

/** Headers that concern only one connection (RFC 9110 section 7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Returns a filter that rejects headers that concern only one connection.
 *
 * @param connection value of the `Connection` header, which may name further headers to reject
 * @returns predicate: true for a name in lower case that may be forwarded
 */
export function passesOn(connection: string | null | undefined): (name: string) => boolean {
  const named = connection?.toLowerCase().split(",").map((name) => name.trim()) ?? [];
  return (name) => !hopByHop.has(name) && !named.includes(name);
}
