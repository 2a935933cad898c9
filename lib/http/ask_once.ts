/**
 * Single exchange on its own connection, for servers that close their connections after each response.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { readWhole } from "./body.ts";
import type { WholeResponse } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { HttpRequest } from "./request.ts";

/** Limits and options of an exchange. */
export interface ExchangeOptions {
  /** Maximum length of the body of a response, bytes. */
  readonly maxBytes: number;
  /** Closes the connection when it is aborted. */
  readonly signal: AbortSignal;
  /** Returns whether the body of a response with this status is read; by default, every body is. */
  readonly wantsBody?: (status: number) => boolean;
  /** Reserves memory for the body as it arrives. */
  readonly reserve?: ReserveMemory;
}

/**
 * Sends a request, reads its response and closes the connection.
 *
 * @param connection new connection; always closed, also after an error
 * @param request request, to which a header is added that asks the server to close the connection
 * @param options limits of the exchange
 * @throws {NeverSent} if no byte of the request was sent; {ConnectionBroken} or {BadMessage} if
 *   the server may have processed it
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
