/**
 * Requests that a client may repeat, because they only read.
 *
 * @module
 */

import type { HttpClient, WholeResponse } from "./client.ts";
import { ConnectionBroken } from "./failures.ts";

/**
 * Sends a GET request and reads its response. If the connection breaks, the request is repeated once on
 * a new connection: the server may just have closed the kept one.
 *
 * @param url URL of the server; its path is ignored
 * @param path path of the request
 * @param signal cancels the request and its repetition
 * @param maxBytes maximum length of the body of the response
 * @throws the errors of {@link HttpClient.ask}
 */
export async function getRepeatably(
  client: HttpClient,
  url: string,
  path: string,
  signal: AbortSignal,
  maxBytes: number,
): Promise<WholeResponse> {
  const headers = [["host", new URL(url).host]] as const;
  const request = { method: "GET", path, headers, body: undefined };
  const ask = () => client.ask(url, request, signal, maxBytes);
  return await ask().catch((error) => {
    if (!(error instanceof ConnectionBroken) || signal.aborted) throw error;
    client.forget(url);
    return ask();
  });
}
