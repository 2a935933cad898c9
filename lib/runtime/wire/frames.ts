/**
 * The wire format between node and executors: frames of a 4-byte big-endian length and that many
 * bytes of JSON in UTF-8. Pure: bytes come in and go out as arguments.
 *
 * @module
 */

import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { sliceBytes } from "../../base/slices.ts";

/** Maximum bytes of JSON in a frame, in both directions. */
export const maxFrameBytes = 64 << 20;

/** Bytes that are read at once, and the size to which buffers shrink back. */
const chunkBytes = 1 << 16;
/** What is kept of the two ends of a frame that is passed over, bytes. */
const keptHead = 1024;
const keptTail = 64;
const headerBytes = 4;
const closeBrace = 0x7d;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Violation of the protocol by the other side; the connection must be closed. */
export class FrameError extends Error {
  /** The class, for logs. */
  override readonly name = "FrameError";
}

/** A frame, or what was kept of one. */
export interface Frame {
  /** Its JSON; of a short frame a view that is valid until more is received. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** True if it was too long to be kept: the bytes are those of its two ends. */
  readonly isCut: boolean;
  /** Why there was no room for it, if that is why it was cut. */
  readonly refusal?: ServerledgeError;
  /** Memory reserved for it, if it is long. */
  readonly held?: Disposable;
}

/**
 * Splits a stream of bytes into frames. Bytes are received into {@link FrameReader.space}, reported by
 * {@link FrameReader.received}, and taken out by {@link FrameReader.next} until there is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const batch = new FrameBatch();
 * batch.add('{"type": "hello"}');
 * const sent = batch.bytes();
 *
 * const reader = new FrameReader();
 * reader.space().set(sent);
 * reader.received(sent.length);
 * assert(reader.next() === '{"type": "hello"}');
 * ```
 */
export class FrameReader implements Disposable {
  /** Maximum bytes of JSON in the next frame. */
  maxBytes: number;
  /** Most bytes of a frame that is kept: of a longer one the middle is passed over as it comes. */
  keptBytes: number = maxFrameBytes;
  /**
   * Reserves the memory of a long frame before it is read, if required, by its length and how it
   * begins. One that it refuses is passed over, too.
   */
  hold: ((bytes: number, head: Uint8Array) => Disposable | undefined) | undefined;
  #held: Disposable | undefined;
  #refusal: ServerledgeError | undefined;
  #buffer = new Uint8Array(chunkBytes);
  #start = 0;
  #end = 0;
  /** The beginning of the frame that is passed over, and how many bytes of its middle are to come. */
  #head: Uint8Array<ArrayBuffer> | undefined;
  #skipped = 0;

  /** @param maxBytes most bytes of JSON in a frame */
  constructor(maxBytes: number = maxFrameBytes) {
    this.maxBytes = maxBytes;
  }

  /** Where the next bytes have to be written: never empty. */
  space(): Uint8Array {
    const held = this.#end - this.#start;
    if (held === 0) {
      this.#start = this.#end = 0;
      if (this.#buffer.length > chunkBytes) this.#buffer = new Uint8Array(chunkBytes);
    }
    const needed = headerBytes + (held < headerBytes || this.#head ? 0 : this.#keptLength());
    // Once for a whole frame: the system gives memory when it is written to, not when it is asked for.
    if (needed > this.#buffer.length) this.#move(new Uint8Array(needed));
    else if (this.#start + needed > this.#buffer.length || this.#end === this.#buffer.length) {
      this.#move(this.#buffer);
    }
    return this.#buffer.subarray(this.#end);
  }

  /** Bytes that are kept of the frame that has begun. */
  #keptLength(): number {
    const length = this.#length();
    return this.#isKept(length) ? length : keptHead;
  }

  /**
   * Tells how many bytes were written into the last {@link FrameReader.space}.
   *
   * @param count at most its length
   */
  received(count: number): void {
    this.#end += count;
    this.#skip();
  }

  /**
   * Takes the next complete frame as text.
   *
   * @returns its JSON text, undefined if it has not arrived completely
   * @throws {FrameError} where a length is beyond the bound
   */
  next(): string | undefined {
    const frame = this.nextFrame();
    return frame && decoder.decode(frame.bytes);
  }

  /**
   * Takes the next complete frame.
   *
   * @returns undefined if it has not arrived completely
   * @throws {FrameError} where a length is beyond the bound
   */
  nextFrame(): Frame | undefined {
    if (this.#head) return this.#nextTail(this.#head);
    const held = this.#end - this.#start;
    if (held < headerBytes) return undefined;
    const length = this.#length();
    if (length > this.maxBytes) {
      throw new FrameError(`A frame of ${length} bytes is longer than ${this.maxBytes}`);
    }
    if (!this.#isKept(length)) return this.#passOver(length);
    if (held < headerBytes + length) return undefined;
    const from = this.#start + headerBytes;
    this.#start = from + length;
    const bytes = this.#buffer.subarray(from, this.#start);
    if (length > chunkBytes) this.#giveAway();
    const frame = { bytes, isCut: false, held: this.#held };
    this.#held = undefined;
    return frame;
  }

  /** Tells whether the current frame is kept; if it is long, reserves its memory. */
  #isKept(length: number): boolean {
    if (length > this.keptBytes || this.#refusal) return false;
    if (length <= sliceBytes || this.#held || !this.hold) return true;
    const from = this.#start + headerBytes;
    if (this.#end < from + keptTail) return true;
    try {
      this.#held = this.hold(length, this.#buffer.subarray(from, from + keptTail));
      return true;
    } catch (error) {
      this.#refusal = asServerledgeError(error);
      return false;
    }
  }

  /** A long frame keeps its buffer: whoever has it may take longer than until more is received. */
  #giveAway(): void {
    const rest = this.#buffer.subarray(this.#start, this.#end);
    this.#buffer = new Uint8Array(Math.max(rest.length, chunkBytes));
    this.#buffer.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }

  #passOver(length: number): Frame | undefined {
    const from = this.#start + headerBytes;
    if (this.#end < from + keptHead) return undefined;
    this.#giveBack();
    this.#start = from + keptHead;
    this.#head = this.#buffer.slice(from, this.#start);
    this.#skipped = length - keptHead - keptTail;
    this.#skip();
    return this.#nextTail(this.#head);
  }

  #skip(): void {
    const count = Math.min(this.#skipped, this.#end - this.#start);
    this.#start += count;
    this.#skipped -= count;
  }

  #nextTail(head: Uint8Array): Frame | undefined {
    if (this.#skipped > 0 || this.#end - this.#start < keptTail) return undefined;
    const bytes = new Uint8Array(keptHead + keptTail);
    bytes.set(head);
    bytes.set(this.#buffer.subarray(this.#start, this.#start += keptTail), keptHead);
    const refusal = this.#refusal;
    this.#head = this.#refusal = undefined;
    return { bytes, isCut: true, ...(refusal && { refusal }) };
  }

  /** Ends reading: releases what is reserved for an incomplete frame. */
  [Symbol.dispose](): void {
    this.#giveBack();
  }

  #giveBack(): void {
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  #length(): number {
    const b = this.#buffer;
    const at = this.#start;
    return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
  }

  #move(target: Uint8Array<ArrayBuffer>): void {
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = target;
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/** Batch of frames that are written together. */
export class FrameBatch {
  readonly #usualBytes: number;
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param usualBytes the size to which its buffer shrinks back */
  constructor(usualBytes = chunkBytes) {
    this.#usualBytes = usualBytes;
    this.#buffer = new Uint8Array(usualBytes);
  }

  /** How many bytes are collected. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a frame.
   *
   * @param text JSON
   * @param value JSON of its last value, which the text lacks together with the brace behind it
   * @throws `PAYLOAD_TOO_LARGE` beyond {@link maxFrameBytes}, and then nothing is added
   */
  add(text: string, value?: Uint8Array): void {
    // A UTF-16 unit takes at most 3 bytes; a long text is encoded first to know its size.
    const long = text.length * 3 > chunkBytes ? encoder.encode(text) : undefined;
    const behind = value ? value.length + 1 : 0;
    const bound = (long ? long.length : text.length * 3) + behind;
    if (bound > maxFrameBytes) {
      throw new ServerledgeError(
        "PAYLOAD_TOO_LARGE",
        `The parameters take ${bound} bytes, more than the ${maxFrameBytes} that a function can get`,
      );
    }
    this.#reserve(headerBytes + bound);
    const body = this.#buffer.subarray(this.#length + headerBytes);
    let written = long ? long.length : encoder.encodeInto(text, body).written;
    if (long) body.set(long);
    if (value) {
      body.set(value, written);
      written += behind;
      body[written - 1] = closeBrace;
    }
    const b = this.#buffer;
    const at = this.#length;
    b[at] = written >>> 24;
    b[at + 1] = written >>> 16;
    b[at + 2] = written >>> 8;
    b[at + 3] = written;
    this.#length = at + headerBytes + written;
  }

  /** The collected bytes; valid until {@link FrameBatch.clear}. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets the collected bytes once they are written. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > this.#usualBytes) this.#buffer = new Uint8Array(this.#usualBytes);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/**
 * Reads once.
 *
 * @returns false at the end of the stream
 */
export async function receive(
  conn: Pick<Deno.Conn, "read">,
  reader: FrameReader,
): Promise<boolean> {
  const count = await conn.read(reader.space());
  if (count === null) return false;
  reader.received(count);
  return true;
}
