/**
 * Which headers pass from one connection on to the next.
 *
 * @module
 */

/** Headers that concern one connection only (RFC 9110 section 7.6.1). */
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
 * Tells the headers that may be passed on from those that concern one connection only.
 *
 * @param connection value of the `Connection` header, which may name more of them
 * @returns true for a lower-case name that may be passed on
 */
export function passesOn(connection: string | null | undefined): (name: string) => boolean {
  const named = connection?.toLowerCase().split(",").map((name) => name.trim()) ?? [];
  return (name) => !hopByHop.has(name) && !named.includes(name);
}
