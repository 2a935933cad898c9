/**
 * Text of the head of a response.
 *
 * @module
 */

import { STATUS_CODES } from "node:http";
import { headerLines, type HeaderPair, valueOf } from "../head.ts";
import type { OutgoingResponse } from "./messages.ts";
import type { RequestHead } from "./request_head.ts";

/** First bytes of every response, which can be sent before the response is known. */
export const responsePrefix = "HTTP/1.1 ";

/** Delimiter of a body: its length, chunks, or the end of the connection; `none` if there is no body. */
export type ResponseFraming = number | "chunked" | "eof" | "none";

/**
 * Returns the length of the body that a response to `GET` would have, for a response to `HEAD`.
 * The `content-length` of the handler overrides `length`, since the handler may omit the body
 * (RFC 9110, 8.6).
 *
 * @returns undefined if the length is unknown
 */
export function lengthForHead(headers: readonly HeaderPair[], length: number): number | undefined {
  const said = valueOf(headers, "content-length");
  if (said !== undefined) return Number(said);
  return length > 0 ? length : undefined;
}

/**
 * Returns how the body of a response is delimited.
 *
 * @param length length of the body; undefined: it is a stream
 * @param request request of the response
 */
export function framingOf(
  status: number,
  length: number | undefined,
  { method, isOld }: Pick<RequestHead, "method" | "isOld">,
): ResponseFraming {
  if (status === 204 || status === 304) return "none";
  if (status === 205) return 0;
  if (length !== undefined) return length;
  // The length of a stream is unknown, so it is omitted (RFC 9110, 9.3.2).
  if (method === "HEAD") return "none";
  return isOld ? "eof" : "chunked";
}

/** Headers that only the server sets; those of handlers are dropped. */
const ownNames: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** Writes heads. It caches the text of the last headers, since handlers mostly reuse them. */
export class ResponseHeads {
  #headers: readonly HeaderPair[] = [];
  #text = "";
  #second = NaN;
  #date = "";

  /**
   * Returns the text of a head.
   *
   * @param framing how the body is delimited
   * @param keepAlive whether another request may follow
   * @param isOld whether the client uses HTTP/1.0, and the connection header is required
   * @throws {TypeError} if the name or value of a header is invalid
   */
  write(
    { status, headers }: OutgoingResponse,
    framing: ResponseFraming,
    keepAlive: boolean,
    isOld: boolean,
  ): string {
    let head = `${responsePrefix}${status} ${STATUS_CODES[status] ?? ""}\r\n` +
      this.#headerText(headers) + this.#dateLine(headers);
    if (typeof framing === "number") head += `content-length: ${framing}\r\n`;
    else if (framing === "chunked") head += "transfer-encoding: chunked\r\n";
    if (!keepAlive) return `${head}connection: close\r\n\r\n`;
    return head + (isOld ? "connection: keep-alive\r\n\r\n" : "\r\n");
  }

  #headerText(headers: readonly HeaderPair[]): string {
    if (headers === this.#headers) return this.#text;
    const text = headerLines(headers.filter(([name]) => !ownNames.has(name)));
    this.#headers = headers;
    this.#text = text;
    return text;
  }

  #dateLine(headers: readonly HeaderPair[]): string {
    if (headers.length > 0 && headers.some(([name]) => name === "date")) return "";
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
    }
    return this.#date;
  }
}
