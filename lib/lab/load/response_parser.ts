/**
 * Incremental parser of HTTP/1 responses. Unlike the client of `lib/http/` it creates no promise per part,
 * since a load generator must be faster than its target.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";
import { BadMessage } from "../../http/failures.ts";
import {
  endOfHead,
  type Framing,
  mayBeHttp,
  parseResponseHead,
  type ResponseHead,
} from "../../http/head.ts";
import { latin1Text } from "../../http/latin1.ts";

/** Maximum size of a head, bytes. */
const maxHeadBytes = 64 << 10;
/** Maximum size of a chunk's size line, and of all trailers, bytes. */
const maxLineBytes = 16 << 10;
/** Maximum size kept of a body; further bytes are only counted. */
const maxKeptBytes = 16 << 20;
const nothing = new Uint8Array(0);

/** State of the parser in a chunked body. */
type ChunkState = "size" | "data" | "data-end" | "trailer" | "end";

/** Parser of the responses of one connection, one at a time. */
export class ResponseParser {
  #method = "GET";
  #keeps = true;
  #head: ResponseHead | undefined;
  /** Text of {@link #lastHead}: most responses have the same head. */
  #lastText = "";
  #lastHead: ResponseHead | undefined;
  /** Incomplete head or line. */
  #pending: Uint8Array = nothing;
  #left = 0;
  #chunk: ChunkState = "size";
  #trailerBytes = 0;
  #parts: Uint8Array[] = [];
  #keptBytes = 0;
  #bodyBytes = 0;

  /** Status of the response; 0 until its head is complete. */
  get status(): number {
    return this.#head?.status ?? 0;
  }

  /** Whether another request may follow on the connection. */
  get keepAlive(): boolean {
    return this.#head?.keepAlive ?? false;
  }

  /** Length of the body so far, bytes. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Whether a part of the response was received. */
  get hasBegun(): boolean {
    return this.#head !== undefined || this.#pending.length > 0;
  }

  /** Returns the part of the body that was kept, valid until the next push. */
  body(): Uint8Array {
    if (this.#parts.length === 0) return nothing;
    if (this.#parts.length > 1) this.#parts = [concatBytes(this.#parts)];
    return this.#parts[0]!;
  }

  /**
   * Starts a response.
   *
   * @param method method of the request, which decides whether there is a body
   * @param keeps true to keep the body, false to count its bytes only
   */
  expect(method: string, keeps: boolean): void {
    this.#method = method;
    this.#keeps = keeps;
    this.#head = undefined;
    this.#pending = nothing;
    this.#parts = [];
    this.#bodyBytes = this.#keptBytes = 0;
  }

  /**
   * Parses received bytes.
   *
   * @param bytes the bytes, not to be changed while the response is in use
   * @returns true if the response is complete
   * @throws {BadMessage} if it is not HTTP/1 or has bytes after its end
   */
  push(bytes: Uint8Array): boolean {
    let rest = bytes;
    while (!this.#head) {
      const after = this.#readHead(rest);
      if (!after) return false;
      rest = after;
    }
    const { framing } = this.#head;
    const after = framing === "chunked" ? this.#readChunks(rest) : this.#readData(rest);
    if (!after) return false;
    if (after.length > 0) throw new BadMessage("has data after its end");
    return true;
  }

  /**
   * Handles the end of the connection.
   *
   * @returns true if it ends the response
   */
  end(): boolean {
    return this.#head?.framing === "eof";
  }

  /** @returns the bytes after the head; undefined if the head is incomplete */
  #readHead(bytes: Uint8Array): Uint8Array | undefined {
    const before = this.#pending.length;
    const all = before > 0 ? concatBytes([this.#pending, bytes]) : bytes;
    const found = endOfHead(all, Math.max(0, before - 3));
    if (!found) {
      if (!mayBeHttp(all)) throw new BadMessage("is not HTTP/1");
      if (all.length > maxHeadBytes) throw new BadMessage("has headers that are too long");
      this.#pending = before > 0 ? all : all.slice();
      return undefined;
    }
    this.#pending = nothing;
    const head = this.#parseHead(latin1Text(all.subarray(0, found.end)));
    if (head.status === 101) throw new BadMessage("switches protocols without a request to do so");
    if (head.status >= 200) this.#begin(head);
    return all.subarray(found.next);
  }

  #parseHead(text: string): ResponseHead {
    if (text !== this.#lastText || this.#method === "HEAD" || !this.#lastHead) {
      this.#lastHead = parseResponseHead(text, this.#method);
      this.#lastText = this.#method === "HEAD" ? "" : text;
    }
    return this.#lastHead;
  }

  #begin(head: ResponseHead): void {
    this.#head = head;
    this.#left = lengthOf(head.framing);
    this.#chunk = "size";
    this.#trailerBytes = 0;
  }

  /** Reads a body or chunk. @returns the bytes after it; undefined if it is incomplete */
  #readData(bytes: Uint8Array): Uint8Array | undefined {
    const size = Math.min(bytes.length, this.#left);
    if (size > 0) this.#keep(bytes.subarray(0, size));
    this.#left -= size;
    return this.#left > 0 ? undefined : bytes.subarray(size);
  }

  #keep(part: Uint8Array): void {
    this.#bodyBytes += part.length;
    if (!this.#keeps || this.#keptBytes >= maxKeptBytes) return;
    // Later bytes overwrite the buffer, unless this is the end of the response.
    this.#parts.push(part.length < this.#left || this.#chunk !== "size" ? part.slice() : part);
    this.#keptBytes += part.length;
  }

  #readChunks(bytes: Uint8Array): Uint8Array | undefined {
    let rest: Uint8Array | undefined = bytes;
    if (this.#chunk === "end") return rest;
    for (;;) {
      if (this.#chunk === "data") {
        rest = this.#readData(rest);
        if (!rest) return undefined;
        this.#chunk = "data-end";
      }
      const line = this.#readLine(rest);
      if (!line) return undefined;
      rest = line.rest;
      if (this.#takeLine(line.text)) return rest;
    }
  }

  /** Parses a line of the chunked coding. @returns true if it was the last one */
  #takeLine(text: string): boolean {
    if (this.#chunk === "data-end") {
      if (text !== "") throw new BadMessage("has an invalid chunk");
      this.#chunk = "size";
    } else if (this.#chunk === "size") {
      const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(text) ?? [];
      if (!digits) throw new BadMessage("has an invalid chunk");
      this.#left = parseInt(digits, 16);
      this.#chunk = this.#left > 0 ? "data" : "trailer";
    } else {
      this.#trailerBytes += text.length;
      if (this.#trailerBytes > maxLineBytes) throw new BadMessage("has trailers that are too long");
      if (text === "") this.#chunk = "end";
    }
    return this.#chunk === "end";
  }

  #readLine(bytes: Uint8Array): { text: string; rest: Uint8Array } | undefined {
    const all = this.#pending.length > 0 ? concatBytes([this.#pending, bytes]) : bytes;
    const end = all.indexOf(10);
    if (end > maxLineBytes || (end < 0 && all.length > maxLineBytes)) {
      throw new BadMessage("has lines that are too long");
    }
    this.#pending = end < 0 ? all.slice() : nothing;
    if (end < 0) return undefined;
    const text = latin1Text(all.subarray(0, end)).replace(/\r$/, "");
    return { text, rest: all.subarray(end + 1) };
  }
}

function lengthOf(framing: Framing): number {
  return framing === "eof" ? Infinity : framing === "chunked" ? 0 : framing;
}
