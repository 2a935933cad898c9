/**
 * Buffered input of a connection: heads, lines and byte sequences.
 *
 * @module
 */

import { BadMessage, ConnectionBroken } from "./failures.ts";
import { endOfHead, mayBeHttp } from "./head.ts";
import { latin1Text } from "./latin1.ts";

/** Maximum length of a head, bytes. */
export const maxHeadBytes = 64 << 10;
/** Maximum length of a line in a chunked body, bytes. */
const maxLineBytes = 1024;

/** Source of bytes. */
export type ByteSource = Pick<Deno.Conn, "read">;

/** Reads the elements of HTTP/1 messages from a source. */
export class Input {
  readonly #source: ByteSource;
  readonly #restBytes: number;
  #buffer: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;
  /** Pending read, for which several callers may wait. */
  #reading: Promise<boolean> | undefined;
  #isOver = false;

  /**
   * Creates an input of which nothing has been read.
   *
   * @param source source, which must have no other reader
   * @param restBytes initial and idle size of the buffer; it grows up to {@link maxHeadBytes}
   */
  constructor(source: ByteSource, restBytes: number = maxHeadBytes) {
    this.#source = source;
    this.#restBytes = restBytes;
    this.#buffer = new Uint8Array(restBytes);
  }

  /** True while the buffer is empty and the source has not ended. */
  get isQuiet(): boolean {
    return !this.#isOver && this.#start === this.#end;
  }

  /** Number of received bytes that were not taken. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /**
   * Reads ahead while no message is expected.
   *
   * @returns the result of {@link Input.more}; undefined if the buffer is full
   */
  ahead(): Promise<boolean> | undefined {
    if (this.#reading) return this.#reading;
    if (this.buffered === 0 && this.#buffer.length > this.#restBytes) {
      this.#buffer = new Uint8Array(this.#restBytes);
      this.#start = this.#end = 0;
    }
    return this.buffered === this.#buffer.length ? undefined : this.more();
  }

  /**
   * Reads the head of a response.
   *
   * @returns its text without the empty line that ends it
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async head(): Promise<string> {
    for (let seen = 0;;) {
      const bytes = this.#buffer.subarray(this.#start, this.#end);
      if (!mayBeHttp(bytes)) throw new BadMessage("is not HTTP/1");
      const head = this.takeHead(seen);
      if (head !== undefined) return head;
      if (bytes.length >= maxHeadBytes) throw new BadMessage("has headers that are too long");
      seen = bytes.length;
      if (!await this.more()) {
        throw new ConnectionBroken("The connection was closed without a response");
      }
    }
  }

  /**
   * Takes a head if all of it is buffered.
   *
   * @param seen number of its bytes that were searched before
   * @returns its text without the empty line that ends it; undefined if the head is incomplete
   */
  takeHead(seen: number): string | undefined {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    const found = endOfHead(bytes, Math.max(0, seen - 3));
    if (!found) return undefined;
    this.#start += found.next;
    return latin1Text(bytes.subarray(0, found.end));
  }

  /** Skips the line ends before a request (RFC 9112, 2.2). */
  skipLineEnds(): void {
    while (this.#start < this.#end) {
      const byte = this.#buffer[this.#start];
      if (byte !== 13 && byte !== 10) return;
      this.#start++;
    }
  }

  /** True if the buffer contains the end of a line. */
  get hasLine(): boolean {
    return this.#buffer.subarray(this.#start, this.#end).includes(10);
  }

  /**
   * Reads a short line.
   *
   * @param isStrict whether the line must end with CR LF; otherwise LF is sufficient
   * @returns the line without its end; undefined at the end of the source
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async line(isStrict = false): Promise<string | undefined> {
    for (;;) {
      const at = this.#buffer.subarray(this.#start, this.#end).indexOf(10);
      if (at > maxLineBytes || (at < 0 && this.buffered > maxLineBytes)) {
        throw new BadMessage("has lines that are too long");
      }
      if (at >= 0) {
        const line = latin1Text(this.#buffer.subarray(this.#start, this.#start + at));
        this.#start += at + 1;
        if (isStrict && !line.endsWith("\r")) throw new BadMessage("has a line without a CR");
        return line.replace(/\r$/, "");
      }
      if (!await this.more()) return undefined;
    }
  }

  /**
   * Takes the buffered bytes, or waits for the next ones.
   *
   * @param limit maximum number of bytes
   * @returns a view that is valid until more is read; undefined at the end of the source
   * @throws {ConnectionBroken}
   */
  async some(limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.buffered === 0 && !await this.more()) return undefined;
    return this.take(Math.min(this.buffered, limit));
  }

  /**
   * Takes buffered bytes.
   *
   * @param size number of bytes, at most {@link Input.buffered}
   * @returns a view that is valid until more is read
   */
  take(size: number): Uint8Array<ArrayBuffer> {
    const part = this.#buffer.subarray(this.#start, this.#start + size);
    this.#start += size;
    return part;
  }

  /**
   * Reads more data into the buffer, or waits for the pending read.
   *
   * @returns false at the end of the source
   * @throws {ConnectionBroken}
   */
  more(): Promise<boolean> {
    return this.#reading ??= this.#readMore();
  }

  async #readMore(): Promise<boolean> {
    this.#makeRoom();
    try {
      const count = await this.#source.read(this.#buffer.subarray(this.#end));
      this.#end += count ?? 0;
      this.#isOver = count === null;
      return count !== null;
    } catch (cause) {
      this.#isOver = true;
      throw new ConnectionBroken("The connection broke", { cause });
    } finally {
      this.#reading = undefined;
    }
  }

  #makeRoom(): void {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    if (this.#end === this.#buffer.length && this.#start === 0) {
      this.#buffer = new Uint8Array(Math.min(maxHeadBytes, 4 * this.#buffer.length));
      this.#buffer.set(bytes);
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#end -= this.#start;
    this.#start = 0;
  }
}
