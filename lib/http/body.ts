/**
 * The body of a message, however it is delimited.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { BadMessage, ConnectionBroken, TooLong } from "./failures.ts";
import type { Framing } from "./head.ts";
import type { Input } from "./input.ts";

/** Most trailers of a chunked body. */
const maxTrailers = 100;

/** What is allotted to a body at first, however long it claims to be. */
const firstBytes = 64 << 10;
/** Most bytes that are copied while a body of known length grows. */
const copiedBytes = 1 << 20;

const decoder = new TextDecoder();

/** A body, read at most once. */
export abstract class Body {
  /** Its length; 0 without a body, undefined if the head does not say.  */
  abstract readonly length: number | undefined;

  /**
   * Reads the next part.
   *
   * @returns a view that is valid until the next call; undefined at the end
   * @throws {ConnectionBroken} or {BadMessage} if the rest does not arrive
   */
  abstract part(): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /**
   * Reads all of it.
   *
   * @param maxBytes longest that is taken
   * @throws {TooLong}, {ConnectionBroken} or {BadMessage}
   */
  whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return readWhole(this, maxBytes);
  }

  /** Reads all of it as UTF-8. @throws as {@link Body.whole} */
  async text(maxBytes: number): Promise<string> {
    return decoder.decode(await this.whole(maxBytes));
  }
}

/** A body on a connection, with chunked coding undone. */
export class IncomingBody extends Body {
  readonly #input: Input;
  readonly #framing: Framing;
  readonly #isStrict: boolean;
  /** Bytes until its end, or the end of its chunk; infinite until the end of the connection. */
  #left: number;
  /** Some chunk has begun, so that the end of a line comes before the next. */
  #hasChunk = false;
  #hasEnded: boolean;

  /**
   * @param input where it comes from, its head just read
   * @param framing how it is delimited
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

  /** True once all of it was taken. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Takes all of it, if it has a length and has come whole.
   *
   * @returns a view that is valid until more is read; undefined if there is more to wait for
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
    if (this.#hasChunk && await this.#line() !== "") throw new BadMessage("has a bad chunk");
    const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(await this.#line()) ?? [];
    if (!digits) throw new BadMessage("has a bad chunk");
    this.#left = parseInt(digits, 16);
    this.#hasChunk = this.#left > 0;
    if (!this.#hasChunk) await this.#skipTrailers();
  }

  async #line(): Promise<string> {
    const line = await this.#input.line(this.#isStrict);
    if (line === undefined) throw cutShort();
    return line;
  }

  /** Trailers are not passed on, and the body is complete without them (RFC 9112, 8). */
  async #skipTrailers(): Promise<void> {
    for (let count = 0; await this.#input.line(this.#isStrict); count++) {
      if (count === maxTrailers) throw new BadMessage("has too many trailers");
    }
  }
}

/**
 * Reads all of a body. The memory that it takes grows with what comes, not with what is announced.
 *
 * @param body of which nothing was read
 * @param maxBytes longest that is taken
 * @throws {TooLong}, and what reading or `reserve` throws
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
      // Pages of zeros take no memory before they are written; copying long bodies would take time.
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
 * The error about a body that is too long.
 *
 * @param maxBytes longest that is taken
 */
export function tooLong(maxBytes: number): TooLong {
  return new TooLong(`is longer than ${maxBytes} bytes`);
}

function cutShort(): ConnectionBroken {
  return new ConnectionBroken("The connection ended within a message");
}
