/**
 * Answers out of bytes as they come in, whatever pieces they come in: one answer after the other,
 * without a promise for each part as the client of `lib/http/` needs, since a load generator must
 * be faster than what it measures.
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

/** Longest head, bytes. */
const maxHeadBytes = 64 << 10;
/** Longest line before a chunk, and all trailers together, bytes. */
const maxLineBytes = 16 << 10;
/** Most of a body that is kept; the rest is counted only. */
const maxKeptBytes = 16 << 20;
const nothing = new Uint8Array(0);

/** Where the parser is in a chunked body. */
type ChunkState = "size" | "data" | "data-end" | "trailer" | "end";

/** Reads the answers of one connection, of which one at a time is expected. */
export class ResponseParser {
  #method = "GET";
  #keeps = true;
  #head: ResponseHead | undefined;
  /** Text of the head that {@link #lastHead} was read from: most answers have the same. */
  #lastText = "";
  #lastHead: ResponseHead | undefined;
  /** A head or line that came in parts. */
  #pending: Uint8Array = nothing;
  #left = 0;
  #chunk: ChunkState = "size";
  #trailerBytes = 0;
  #parts: Uint8Array[] = [];
  #keptBytes = 0;
  #bodyBytes = 0;

  /** Status of the answer; 0 until its head is there. */
  get status(): number {
    return this.#head?.status ?? 0;
  }

  /** True if another request may follow on the connection. */
  get keepAlive(): boolean {
    return this.#head?.keepAlive ?? false;
  }

  /** Length of the body so far, bytes. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** True if some of the answer has come. */
  get hasBegun(): boolean {
    return this.#head !== undefined || this.#pending.length > 0;
  }

  /** The body as far as it was kept; a view that is valid until more is pushed. */
  body(): Uint8Array {
    if (this.#parts.length === 0) return nothing;
    if (this.#parts.length > 1) this.#parts = [concatBytes(this.#parts)];
    return this.#parts[0]!;
  }

  /**
   * Expects an answer.
   *
   * @param method verb of the request, which tells whether there is a body
   * @param keeps true to keep the body, else its bytes are only counted
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
   * Takes what came in.
   *
   * @param bytes not changed by others until the answer is done with
   * @returns true if the answer is complete
   * @throws {BadMessage} if it is not HTTP/1, or goes on behind its end
   */
  push(bytes: Uint8Array): boolean {
    let rest = bytes;
    while (!this.#head) {
      const behind = this.#readHead(rest);
      if (!behind) return false;
      rest = behind;
    }
    const { framing } = this.#head;
    const behind = framing === "chunked" ? this.#readChunks(rest) : this.#readData(rest);
    if (!behind) return false;
    if (behind.length > 0) throw new BadMessage("goes on behind its end");
    return true;
  }

  /**
   * Takes the end of the connection.
   *
   * @returns true if that is how the answer ends
   */
  end(): boolean {
    return this.#head?.framing === "eof";
  }

  /** @returns what follows the head; undefined if its end has not come */
  #readHead(bytes: Uint8Array): Uint8Array | undefined {
    const before = this.#pending.length;
    const all = before > 0 ? concatBytes([this.#pending, bytes]) : bytes;
    const found = endOfHead(all, Math.max(0, before - 3));
    if (!found) {
      if (!mayBeHttp(all)) throw new BadMessage("is not HTTP/1");
      if (all.length > maxHeadBytes) throw new BadMessage("has too long headers");
      this.#pending = before > 0 ? all : all.slice();
      return undefined;
    }
    this.#pending = nothing;
    const head = this.#parseHead(latin1Text(all.subarray(0, found.end)));
    if (head.status === 101) throw new BadMessage("switches protocols unasked");
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

  /** Takes what is left of a body, or of a chunk. @returns what follows; undefined if more must come */
  #readData(bytes: Uint8Array): Uint8Array | undefined {
    const size = Math.min(bytes.length, this.#left);
    if (size > 0) this.#keep(bytes.subarray(0, size));
    this.#left -= size;
    return this.#left > 0 ? undefined : bytes.subarray(size);
  }

  #keep(part: Uint8Array): void {
    this.#bodyBytes += part.length;
    if (!this.#keeps || this.#keptBytes >= maxKeptBytes) return;
    // What comes next overwrites the buffer, unless this was the last of it.
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

  /** Takes a line of the chunked coding. @returns true if it was the last one */
  #takeLine(text: string): boolean {
    if (this.#chunk === "data-end") {
      if (text !== "") throw new BadMessage("has a bad chunk");
      this.#chunk = "size";
    } else if (this.#chunk === "size") {
      const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(text) ?? [];
      if (!digits) throw new BadMessage("has a bad chunk");
      this.#left = parseInt(digits, 16);
      this.#chunk = this.#left > 0 ? "data" : "trailer";
    } else {
      this.#trailerBytes += text.length;
      if (this.#trailerBytes > maxLineBytes) throw new BadMessage("has too many trailers");
      if (text === "") this.#chunk = "end";
    }
    return this.#chunk === "end";
  }

  #readLine(bytes: Uint8Array): { text: string; rest: Uint8Array } | undefined {
    const all = this.#pending.length > 0 ? concatBytes([this.#pending, bytes]) : bytes;
    const end = all.indexOf(10);
    if (end > maxLineBytes || (end < 0 && all.length > maxLineBytes)) {
      throw new BadMessage("has too long lines");
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
