/**
 * Wire format between node and executors: each frame is a 4-byte big-endian length and that many
 * bytes of JSON in UTF-8. The code is pure: it receives and returns bytes without I/O.
 *
 * @module
 */

import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { sliceBytes } from "../../base/slices.ts";

/** Maximum bytes of JSON in a frame, in both directions. */
export const maxFrameBytes = 64 << 20;

/** Bytes that are read at once, and the size to which buffers shrink back. */
const chunkBytes = 1 << 16;
/** Bytes kept of the two ends of a skipped frame. */
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

/** A frame, or the two ends of a skipped one. */
export interface Frame {
  /** Its JSON. For a short frame, this is a view that is valid until more bytes are received. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** True if the frame was not kept: `bytes` contains its two ends. */
  readonly isCut: boolean;
  /** Why no memory was reserved for the frame, if it was cut for that reason. */
  readonly refusal?: ServerledgeError;
  /** Memory reserved for the frame, if it is long. */
  readonly held?: Disposable;
}

/**
 * Splits a stream of bytes into frames. The caller writes bytes into {@link FrameReader.space}, reports
 * them with {@link FrameReader.received}, and calls {@link FrameReader.next} until it returns undefined.
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
  /** Maximum bytes of a frame that is kept. The middle of a longer frame is skipped as it arrives. */
  keptBytes: number = maxFrameBytes;
  /**
   * Reserves memory for a long frame before it is read. It receives the length and the beginning of the
   * frame, and returns undefined if no reservation is required. If it throws, the frame is skipped.
   */
  hold: ((bytes: number, head: Uint8Array) => Disposable | undefined) | undefined;
  #held: Disposable | undefined;
  #refusal: ServerledgeError | undefined;
  #buffer = new Uint8Array(chunkBytes);
  #start = 0;
  #end = 0;
  /** Beginning of the skipped frame, and the number of bytes of its middle that have yet to arrive. */
  #head: Uint8Array<ArrayBuffer> | undefined;
  #skipped = 0;

  /**
   * Creates a reader that has received nothing.
   *
   * @param maxBytes maximum bytes of JSON in a frame
   */
  constructor(maxBytes: number = maxFrameBytes) {
    this.maxBytes = maxBytes;
  }

  /** Returns the buffer into which the next bytes must be written; never empty. */
  space(): Uint8Array {
    const held = this.#end - this.#start;
    if (held === 0) {
      this.#start = this.#end = 0;
      if (this.#buffer.length > chunkBytes) this.#buffer = new Uint8Array(chunkBytes);
    }
    const needed = headerBytes + (held < headerBytes || this.#head ? 0 : this.#keptLength(held));
    // Grows once for a whole frame, and only after its memory was reserved.
    if (needed > this.#buffer.length) this.#move(new Uint8Array(needed));
    else if (this.#start + needed > this.#buffer.length || this.#end === this.#buffer.length) {
      this.#move(this.#buffer);
    }
    return this.#buffer.subarray(this.#end);
  }

  /** Number of bytes of the current frame for which the buffer needs space. */
  #keptLength(held: number): number {
    const length = this.#length();
    if (!this.#isKept(length)) return keptHead;
    // Nothing is allocated for a frame that is only announced.
    return held < headerBytes + keptTail ? Math.min(length, keptTail) : length;
  }

  /**
   * Reports how many bytes were written into the last {@link FrameReader.space}.
   *
   * @param count at most the length of the space
   */
  received(count: number): void {
    this.#end += count;
    this.#skip();
  }

  /**
   * Takes the next complete frame as text.
   *
   * @returns its JSON text; undefined if it has not arrived completely
   * @throws {FrameError} if its length exceeds {@link FrameReader.maxBytes}
   */
  next(): string | undefined {
    const frame = this.nextFrame();
    return frame && decoder.decode(frame.bytes);
  }

  /**
   * Takes the next complete frame.
   *
   * @returns undefined if it has not arrived completely
   * @throws {FrameError} if its length exceeds {@link FrameReader.maxBytes}
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

  /** Replaces the buffer. A long frame keeps the old one, because it may be used after more is received. */
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

  /** Ends reading and releases the memory reserved for an incomplete frame. */
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

  /**
   * Creates an empty batch.
   *
   * @param usualBytes size to which the buffer shrinks back, bytes
   */
  constructor(usualBytes = chunkBytes) {
    this.#usualBytes = usualBytes;
    this.#buffer = new Uint8Array(usualBytes);
  }

  /** Number of collected bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a frame.
   *
   * @param text JSON
   * @param value JSON of its last value; the text must end before this value and the closing brace
   * @throws `PAYLOAD_TOO_LARGE` if the frame exceeds {@link maxFrameBytes}; it is not added
   */
  add(text: string, value?: Uint8Array): void {
    // A UTF-16 unit takes at most 3 bytes; a long text is encoded first to know its size.
    const long = text.length * 3 > chunkBytes ? encoder.encode(text) : undefined;
    const behind = value ? value.length + 1 : 0;
    const bound = (long ? long.length : text.length * 3) + behind;
    if (bound > maxFrameBytes) {
      throw new ServerledgeError(
        "PAYLOAD_TOO_LARGE",
        `The parameters have ${bound} bytes, more than the ${maxFrameBytes} that a function can receive`,
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

  /** Returns the collected bytes, which are valid until {@link FrameBatch.clear}. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Discards the collected bytes, which the caller has written. */
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
 * Reads from a connection once.
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
