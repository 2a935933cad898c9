/**
 * One exchange on a connection of its own, for servers that close theirs after each.
 *
 * @module
 */

import type { WholeAnswer } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { HttpRequest } from "./output.ts";

/**
 * Sends a request, reads its answer and closes the connection.
 *
 * @param connection fresh; closed on every path
 * @param request what to send; told to close the connection by its headers
 * @param signal closes the connection
 * @param maxBytes longest body that is taken
 * @throws {NeverSent} if not a byte of the request was sent; {ConnectionBroken} or {BadMessage} if
 *   it may have been carried out
 */
export async function askOnce(
  connection: Connection,
  request: HttpRequest,
  signal: AbortSignal,
  maxBytes: number,
): Promise<WholeAnswer> {
  using _closed = connection;
  const close = () => connection[Symbol.dispose]();
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) close();
    const headers = [...request.headers, ["connection", "close"] as const];
    const { head, body } = await connection.ask({ ...request, headers });
    return { status: head.status, headers: head.headers, body: await body.whole(maxBytes) };
  } finally {
    signal.removeEventListener("abort", close);
  }
}
