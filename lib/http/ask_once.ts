/**
 * One exchange on a connection of its own, for servers that close theirs after each.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { readWhole } from "./body.ts";
import type { WholeResponse } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { HttpRequest } from "./request.ts";

/** What an exchange is held to. */
export interface ExchangeOptions {
  /** Longest body of a response, bytes. */
  readonly maxBytes: number;
  /** Closes the connection. */
  readonly signal: AbortSignal;
  /** Whether the body of a response with this status is read; all are, by default. */
  readonly wantsBody?: (status: number) => boolean;
  /** Reserves memory for the body as it arrives. */
  readonly reserve?: ReserveMemory;
}

/**
 * Sends a request, reads its response and closes the connection.
 *
 * @param connection fresh; closed on every path
 * @param request its headers ask the server to close the connection
 * @param options what it is held to
 * @throws {NeverSent} if not a byte of the request was sent; {ConnectionBroken} or {BadMessage} if
 *   it may have been carried out
 */
export async function askOnce(
  connection: Connection,
  request: HttpRequest,
  { signal, maxBytes, reserve, wantsBody = () => true }: ExchangeOptions,
): Promise<WholeResponse> {
  using _closed = connection;
  const close = () => connection[Symbol.dispose]();
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) close();
    const headers = [...request.headers, ["connection", "close"] as const];
    const { head: { status, headers: received }, body } = await connection.ask({
      ...request,
      headers,
    });
    const bytes = wantsBody(status) ? await readWhole(body, maxBytes, reserve) : new Uint8Array();
    return { status, headers: received, body: bytes };
  } finally {
    signal.removeEventListener("abort", close);
  }
}
