/**
 * The body of an answer, however it is delimited.
 *
 * @module
 */

import { BadMessage, ConnectionBroken, TooLong } from "./failures.ts";
import type { Framing } from "./head.ts";
import type { Input } from "./input.ts";

/** Most trailers of a chunked body. */
const maxTrailers = 100;

/** A body that is being read. */
export class IncomingBody {
  readonly #input: Input;
  readonly #framing: Framing;
  /** Bytes until its end, or the end of its chunk; infinite until the end of the connection. */
  #left: number;
  /** Some chunk has begun, so that the end of a line comes before the next. */
  #hasChunk = false;

  /**
   * A body of which nothing was read.
   *
   * @param input where it comes from, its head just read
   * @param framing how it is delimited
   */
  constructor(input: Input, framing: Framing) {
    this.#input = input;
    this.#framing = framing;
    this.#left = framing === "eof" ? Infinity : framing === "chunked" ? 0 : framing;
  }

  /** Its length, if its head tells. */
  get length(): number | undefined {
    return typeof this.#framing === "number" ? this.#framing : undefined;
  }

  /**
   * The next part, with chunked coding undone.
   *
   * @returns a view that is valid until the next call; undefined at the body's end
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async part(): Promise<Uint8Array | undefined> {
    if (this.#framing === "chunked" && this.#left === 0) await this.#beginChunk();
    if (this.#left === 0) return undefined;
    const part = await this.#input.some(this.#left);
    if (!part) {
      if (this.#framing === "eof") return undefined;
      throw cutShort();
    }
    this.#left -= part.length;
    return part;
  }

  /**
   * Reads all of it.
   *
   * @param maxBytes longest that is taken
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const bound = (size: number) => {
      if (size > maxBytes) throw new TooLong(`is longer than ${maxBytes} bytes`);
    };
    bound(this.length ?? 0);
    if (this.length !== undefined) return await this.#into(new Uint8Array(this.length));
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let part = await this.part(); part; part = await this.part()) {
      bound(size += part.length);
      parts.push(part.slice());
    }
    return join(parts, size);
  }

  async #into(whole: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < whole.length;) {
      const part = await this.part();
      whole.set(part!, at);
      at += part!.length;
    }
    return whole;
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
    const line = await this.#input.line();
    if (line === undefined) throw cutShort();
    return line;
  }

  /** Trailers are not passed on, and the body is complete without them (RFC 9112, 8). */
  async #skipTrailers(): Promise<void> {
    for (let count = 0; await this.#input.line(); count++) {
      if (count === maxTrailers) throw new BadMessage("has too many trailers");
    }
  }
}

function cutShort(): ConnectionBroken {
  return new ConnectionBroken("It closed the connection within its answer");
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
