/**
 * What comes in on a connection: heads, lines and runs of bytes.
 *
 * @module
 */

import { BadMessage, ConnectionBroken } from "./failures.ts";
import { latin1Text } from "./latin1.ts";

/** What is read at once, and so the longest head of an answer, bytes. */
const bufferBytes = 64 << 10;
/** Longest line before a chunk. */
const maxLineBytes = 1024;
/** What an answer begins with. */
const protocol = new TextEncoder().encode("HTTP/1.");

/** Something to read bytes from. */
export type ByteSource = Pick<Deno.Conn, "read">;

/** Reads a source in the pieces of HTTP/1. */
export class Input {
  readonly #source: ByteSource;
  readonly #buffer = new Uint8Array(bufferBytes);
  #start = 0;
  #end = 0;
  /** The read that notices the end of an idle connection, and otherwise begins the next answer. */
  #ahead: Promise<number | null> | undefined;
  #isOver = false;

  /**
   * Nothing is read yet.
   *
   * @param source read by nobody else
   */
  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** True while nothing has come that was not asked for, not even the end. */
  get isQuiet(): boolean {
    return !this.#isOver && this.#start === this.#end;
  }

  /**
   * Reads ahead while nothing is expected.
   *
   * @param came called when anything comes, also the end; it may have been expected by then
   */
  watch(came: () => void): void {
    this.#start = this.#end = 0;
    this.#ahead = this.#source.read(this.#buffer);
    this.#ahead.then(came, came);
  }

  /**
   * The head of an answer.
   *
   * @returns its text without the empty line that ends it
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async head(): Promise<string> {
    for (let seen = 0;;) {
      const bytes = this.#buffer.subarray(this.#start, this.#end);
      const begins = Math.min(bytes.length, protocol.length);
      // Else one that speaks something else would be waited for.
      if (seen < protocol.length && !startAlike(bytes, begins)) {
        throw new BadMessage("is not HTTP/1");
      }
      const found = endOfHead(bytes, Math.max(0, seen - 3));
      if (found) {
        this.#start += found.next;
        return latin1Text(bytes.subarray(0, found.end));
      }
      if (bytes.length === bufferBytes) throw new BadMessage("has too long headers");
      seen = bytes.length;
      if (!await this.#fill()) throw new ConnectionBroken("It closed the connection unanswered");
    }
  }

  /**
   * A short line.
   *
   * @returns the line without its end; undefined at the end of the source
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async line(): Promise<string | undefined> {
    for (;;) {
      const at = this.#buffer.subarray(this.#start, this.#end).indexOf(10);
      if (at >= 0) {
        const line = this.#buffer.subarray(this.#start, this.#start + at);
        this.#start += at + 1;
        return latin1Text(line).replace(/\r$/, "");
      }
      if (this.#end - this.#start > maxLineBytes) throw new BadMessage("has too long lines");
      if (!await this.#fill()) return undefined;
    }
  }

  /**
   * The next bytes, as many as there are.
   *
   * @param limit most bytes
   * @returns a view that is valid until more is read; undefined at the end of the source
   * @throws {ConnectionBroken}
   */
  async some(limit: number): Promise<Uint8Array | undefined> {
    if (this.#start === this.#end && !await this.#fill()) return undefined;
    const size = Math.min(this.#end - this.#start, limit);
    const part = this.#buffer.subarray(this.#start, this.#start + size);
    this.#start += size;
    return part;
  }

  /** Reads more behind what is left. @returns false at the end of the source */
  async #fill(): Promise<boolean> {
    if (!this.#ahead) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const reading = this.#ahead ?? this.#source.read(this.#buffer.subarray(this.#end));
    this.#ahead = undefined;
    try {
      const count = await reading;
      this.#end += count ?? 0;
      this.#isOver = count === null;
      return count !== null;
    } catch (cause) {
      this.#isOver = true;
      throw new ConnectionBroken("The connection broke off", { cause });
    }
  }
}

function startAlike(bytes: Uint8Array, length: number): boolean {
  for (let at = 0; at < length; at++) if (bytes[at] !== protocol[at]) return false;
  return true;
}

/** Where the text of a head ends and what comes after it begins. */
function endOfHead(bytes: Uint8Array, from: number): { end: number; next: number } | undefined {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return { end: at, next: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { end: at, next: at + 3 };
  }
  return undefined;
}
