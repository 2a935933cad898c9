/**
 * Long strings of JSON that stay as they were written, between their quotes: what only passes through a
 * node is neither unquoted nor quoted again.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";

/** Text: a short one, or a long one as it was written. */
export type Text = string | QuotedText;

/** ECMAScript's "JSON.parse source text access", which TypeScript's library lacks. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const decoder = new TextDecoder();

/** A string of JSON that nobody has unquoted. */
export class QuotedText {
  /**
   * @param json the string with its quotes, checked (`scan.ts`); must not change
   * @param held memory that is reserved for it, released by whoever needs it last
   */
  constructor(readonly json: Uint8Array<ArrayBuffer>, readonly held?: Disposable) {}

  /** Bytes between its quotes. */
  get length(): number {
    return this.json.length - 2;
  }

  /** Makes `JSON.stringify` write the quoted text itself. */
  toJSON(): unknown {
    return rawJSON(decoder.decode(this.json));
  }

  /** The text, made at once. */
  toString(): string {
    return JSON.parse(decoder.decode(this.json));
  }

  /** The text in UTF-8, made in slices. A lone surrogate becomes U+FFFD, as elsewhere in UTF-8. */
  async unquoted(): Promise<Uint8Array<ArrayBuffer>> {
    const unquoting = new Unquoting(this.json);
    await inSlices(() => unquoting.advance(sliceBytes));
    return unquoting.text;
  }
}

/** Releases the reservation of a text that is not needed any more. */
export function release(text: Text): void {
  if (text instanceof QuotedText) text.held?.[Symbol.dispose]();
}

const backslash = 0x5c;
const letterU = 0x75;

/** Bytes that letters behind a backslash stand for; other characters stand for themselves. */
const escapes = new Uint8Array(256).map((_, byte) => byte);
escapes.set([0x08], 0x62);
escapes.set([0x0c], 0x66);
escapes.set([0x0a], 0x6e);
escapes.set([0x0d], 0x72);
escapes.set([0x09], 0x74);

/** Makes the text of a quoted string, in slices of any length. */
export class Unquoting {
  readonly #json: Uint8Array;
  /** No text is longer than what it was quoted to. */
  readonly #text: Uint8Array<ArrayBuffer>;
  #at = 1;
  #length = 0;

  /** @param json a checked string with its quotes */
  constructor(json: Uint8Array) {
    this.#json = json;
    this.#text = new Uint8Array(json.length - 2);
  }

  /** What was made so far, UTF-8. */
  get text(): Uint8Array<ArrayBuffer> {
    return this.#text.subarray(0, this.#length);
  }

  /**
   * Goes on.
   *
   * @param count how many bytes further, about: an escape is never cut
   * @returns true once all is made
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

/** The character of a surrogate pair. */
function joined(high: number, low: number): number {
  return 0x10000 + (high - 0xd800 << 10) + (low - 0xdc00);
}

/** The character of a unit that stands alone. */
function whole(unit: number): number {
  return isHigh(unit) || isLow(unit) ? 0xfffd : unit;
}

/** @returns the length of the text with the character */
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
