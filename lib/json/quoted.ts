/**
 * Long strings of JSON in their quoted form. A node that only forwards a string neither unquotes nor
 * quotes it.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";

/** Text: a string, or a long text in its quoted form. */
export type Text = string | QuotedText;

/** ECMAScript's "JSON.parse source text access", which TypeScript's library lacks. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const decoder = new TextDecoder();

/** String of JSON in its quoted form. */
export class QuotedText {
  /**
   * Wraps a string, without a copy.
   *
   * @param json string with its quotes, checked (`scan.ts`); must not change
   * @param held reservation of its memory, released by its last user
   */
  constructor(readonly json: Uint8Array<ArrayBuffer>, readonly held?: Disposable) {}

  /** Number of bytes between the quotes. */
  get length(): number {
    return this.json.length - 2;
  }

  /** Makes `JSON.stringify` write the quoted text itself. */
  toJSON(): unknown {
    return rawJSON(decoder.decode(this.json));
  }

  /** Returns the text, unquoted without slices. */
  toString(): string {
    return JSON.parse(decoder.decode(this.json));
  }

  /** Returns the text in UTF-8, unquoted in slices. A lone surrogate becomes U+FFFD, as is usual in UTF-8. */
  async unquoted(): Promise<Uint8Array<ArrayBuffer>> {
    const unquoting = new Unquoting(this.json);
    await inSlices(() => unquoting.advance(sliceBytes));
    return unquoting.text;
  }
}

/** Releases the reservation of a text that is no longer needed. */
export function release(text: Text): void {
  if (text instanceof QuotedText) text.held?.[Symbol.dispose]();
}

const backslash = 0x5c;
const letterU = 0x75;

/** Bytes that the characters after a backslash represent; other characters represent themselves. */
const escapes = new Uint8Array(256).map((_, byte) => byte);
escapes.set([0x08], 0x62);
escapes.set([0x0c], 0x66);
escapes.set([0x0a], 0x6e);
escapes.set([0x0d], 0x72);
escapes.set([0x09], 0x74);

/** Unquotes a string of JSON, in slices of any length. */
export class Unquoting {
  readonly #json: Uint8Array;
  /** Buffer for the text, which is never longer than its quoted form. */
  readonly #text: Uint8Array<ArrayBuffer>;
  #at = 1;
  #length = 0;

  /**
   * Prepares to unquote a string, and allocates as many bytes as it has between its quotes.
   *
   * @param json checked string with its quotes
   */
  constructor(json: Uint8Array) {
    this.#json = json;
    this.#text = new Uint8Array(json.length - 2);
  }

  /** Text that was unquoted so far, UTF-8. */
  get text(): Uint8Array<ArrayBuffer> {
    return this.#text.subarray(0, this.#length);
  }

  /**
   * Unquotes the next slice.
   *
   * @param count approximate number of bytes, since an escape is never split
   * @returns true once the whole string is unquoted
   */
  advance(count: number): boolean {
    const json = this.#json;
    const text = this.#text;
    const end = json.length - 1;
    const limit = Math.min(this.#at + count, end);
    let at = this.#at;
    let length = this.#length;
    while (at < limit) {
      const byte = json[at]!;
      if (byte !== backslash) {
        text[length++] = byte;
        at++;
      } else if (json[at + 1] !== letterU) {
        text[length++] = escapes[json[at + 1]!]!;
        at += 2;
      } else {
        const unit = hex(json, at + 2);
        at += 6;
        const low = isHigh(unit) && json[at] === backslash && json[at + 1] === letterU
          ? hex(json, at + 2)
          : 0;
        const isPair = isLow(low);
        if (isPair) at += 6;
        length = writeCodePoint(text, length, isPair ? joined(unit, low) : whole(unit));
      }
    }
    this.#at = at;
    this.#length = length;
    return at >= end;
  }
}

function hex(json: Uint8Array, at: number): number {
  return digit(json[at]!) << 12 | digit(json[at + 1]!) << 8 | digit(json[at + 2]!) << 4 |
    digit(json[at + 3]!);
}

function digit(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Returns the code point of a surrogate pair. */
function joined(high: number, low: number): number {
  return 0x10000 + (high - 0xd800 << 10) + (low - 0xdc00);
}

/** Returns the code point of a single UTF-16 unit, or U+FFFD for a lone surrogate. */
function whole(unit: number): number {
  return isHigh(unit) || isLow(unit) ? 0xfffd : unit;
}

/** Appends a character in UTF-8. @returns the new length of the text */
function writeCodePoint(text: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    text[at] = point;
    return at + 1;
  }
  const count = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  text[at] = (count === 1 ? 0xc0 : count === 2 ? 0xe0 : 0xf0) | point >> 6 * count;
  for (let i = 1; i <= count; i++) text[at + i] = 0x80 | point >> 6 * (count - i) & 0x3f;
  return at + count + 1;
}
