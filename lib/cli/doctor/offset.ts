/**
 * Compares this machine's clock with that of a server.
 *
 * @module
 */

/**
 * Sends a request and compares the time in its response with the middle of the exchange. HTTP tells whole
 * seconds, so the result is exact to half a second and half of the round-trip time.
 *
 * @param send sends the request
 * @param now this machine's time, ms since 1970
 * @returns the response, and how far the server's clock is ahead, ms; undefined if it sends no `Date`
 */
export async function measureOffset(
  send: () => Promise<Response>,
  now: () => number = Date.now,
): Promise<{ response: Response; offsetMs: number | undefined }> {
  const sent = now();
  const response = await send();
  const middle = (sent + now()) / 2;
  const date = Date.parse(response.headers.get("date") ?? "");
  return { response, offsetMs: Number.isNaN(date) ? undefined : date + 500 - middle };
}
