/**
 * Bodies of messages with any delimiter.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { BadMessage, ConnectionBroken, TooLong } from "./failures.ts";
import type { Framing } from "./head.ts";
import type { Input } from "./input.ts";

/** Maximum number of trailers of a chunked body. */
const maxTrailers = 100;

/** Maximum initial size of the buffer of a body, whatever its announced length, bytes. */
const firstBytes = 64 << 10;
/** Size above which the buffer of a body of known length grows to that length at once, bytes. */
const copiedBytes = 1 << 20;

const decoder = new TextDecoder();

/** Body that can be read once. */
export abstract class Body {
  /** Length of the body; 0 without a body, undefined if the head does not specify it. */
  abstract readonly length: number | undefined;

  /**
   * Reads the next part.
   *
   * @returns a view that is valid until the next call; undefined at the end
   * @throws {ConnectionBroken} or {BadMessage} if the rest does not arrive
   */
  abstract part(): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /**
   * Reads the whole body.
   *
   * @param maxBytes maximum length of the body
   * @throws {TooLong}, {ConnectionBroken} or {BadMessage}
   */
  whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return readWhole(this, maxBytes);
  }

  /** Reads the whole body as UTF-8. @throws the same errors as {@link Body.whole} */
  async text(maxBytes: number): Promise<string> {
    return decoder.decode(await this.whole(maxBytes));
  }
}

/** Body on a connection. It decodes chunked bodies. */
export class IncomingBody extends Body {
  readonly #input: Input;
  readonly #framing: Framing;
  readonly #isStrict: boolean;
  /** Bytes to the end of the body or the current chunk; infinite if the connection delimits the body. */
  #left: number;
  /** True after a chunk with data. A line end then precedes the next chunk. */
  #hasChunk = false;
  #hasEnded: boolean;

  /**
   * Creates a body of which nothing has been read.
   *
   * @param input input of the connection, directly after the head
   * @param framing how the body is delimited
   * @param isStrict whether lines between chunks must end with a CR and a LF
   */
  constructor(input: Input, framing: Framing, isStrict = false) {
    super();
    this.#input = input;
    this.#framing = framing;
    this.#isStrict = isStrict;
    this.#left = framing === "eof" ? Infinity : framing === "chunked" ? 0 : framing;
    this.#hasEnded = framing === 0;
  }

  /** Part of {@link Body}. */
  override get length(): number | undefined {
    return typeof this.#framing === "number" ? this.#framing : undefined;
  }

  /** True once the whole body was read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Takes the whole body if its length is known and all of it is buffered.
   *
   * @returns a view that is valid until more is read; undefined if the body is not complete
   */
  takeWhole(): Uint8Array<ArrayBuffer> | undefined {
    const { length } = this;
    if (length === undefined || this.#left !== length || this.#input.buffered < length) {
      return undefined;
    }
    this.#left = 0;
    this.#hasEnded = true;
    return this.#input.take(length);
  }

  /** Part of {@link Body}. */
  override async part(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#hasEnded) return undefined;
    if (this.#framing === "chunked" && this.#left === 0) await this.#beginChunk();
    if (this.#left === 0) return this.#ended();
    const part = await this.#input.some(this.#left);
    if (!part) {
      if (this.#framing === "eof") return this.#ended();
      throw cutShort();
    }
    this.#left -= part.length;
    if (this.#left === 0 && this.#framing !== "chunked") this.#hasEnded = true;
    return part;
  }

  #ended(): undefined {
    this.#hasEnded = true;
    return undefined;
  }

  async #beginChunk(): Promise<void> {
    if (this.#hasChunk && await this.#line() !== "") throw new BadMessage("has an invalid chunk");
    const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(await this.#line()) ?? [];
    if (!digits) throw new BadMessage("has an invalid chunk");
    this.#left = parseInt(digits, 16);
    this.#hasChunk = this.#left > 0;
    if (!this.#hasChunk) await this.#skipTrailers();
  }

  async #line(): Promise<string> {
    const line = await this.#input.line(this.#isStrict);
    if (line === undefined) throw cutShort();
    return line;
  }

  /** Discards the trailers. The body is complete even if they break off (RFC 9112, 8). */
  async #skipTrailers(): Promise<void> {
    for (let count = 0; await this.#input.line(this.#isStrict); count++) {
      if (count === maxTrailers) throw new BadMessage("has trailers that are too long");
    }
  }
}

/**
 * Reads a whole body. Its memory grows with the received bytes, not with the announced length.
 *
 * @param body body of which nothing was read
 * @param maxBytes maximum length of the body
 * @param reserve reserves memory for each part that arrives
 * @throws {TooLong}, and the errors of the body and of `reserve`
 */
export async function readWhole(
  body: Pick<Body, "length" | "part">,
  maxBytes: number,
  reserve?: ReserveMemory,
): Promise<Uint8Array<ArrayBuffer>> {
  const { length } = body;
  if ((length ?? 0) > maxBytes) throw tooLong(maxBytes);
  let whole = new Uint8Array(Math.min(length ?? firstBytes, firstBytes));
  let size = 0;
  for (let part = await body.part(); part; part = await body.part()) {
    const at = size;
    if ((size += part.length) > maxBytes) throw tooLong(maxBytes);
    reserve?.(part.length);
    if (size > whole.length) {
      // The pages of a new buffer take no memory before they are written. So a long body of known length
      // gets its full buffer at once, and no further copies are necessary.
      const isKnown = length !== undefined && size > copiedBytes;
      const larger = new Uint8Array(
        isKnown ? length : Math.min(length ?? Infinity, Math.max(size, 2 * at)),
      );
      larger.set(whole.subarray(0, at));
      whole = larger;
    }
    whole.set(part, at);
  }
  return size === whole.length ? whole : whole.slice(0, size);
}

/**
 * Returns the error for a body that is too long.
 *
 * @param maxBytes maximum length of the body
 */
export function tooLong(maxBytes: number): TooLong {
  return new TooLong(`is longer than ${maxBytes} bytes`);
}

function cutShort(): ConnectionBroken {
  return new ConnectionBroken("The connection ended in the middle of a message");
}
