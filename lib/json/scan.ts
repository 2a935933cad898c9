/**
 * Scanner that validates JSON (RFC 8259) without creating values, and finds the members of an object. The
 * objects of a text of some MiB can take a hundred times its memory and seconds to parse. A scan takes a
 * nanosecond or two for each byte, allocates almost no memory, and can be interrupted at any byte.
 *
 * The scanner is stricter than `JSON.parse` in two ways: it rejects bytes that are not UTF-8, and nesting
 * beyond a limit. It accepts escapes of lone surrogates (`\ud800`), as `JSON.parse` does.
 *
 * @module
 */

import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfFraction,
  endOfInteger,
  endOfString,
  endOfWord,
  fail,
  maxNumberBytes,
  type MemberNames,
  minus,
  nine,
  openBrace,
  openBracket,
  placeOf,
  quote,
  zero,
} from "./tokens.ts";

/** Member of the outermost object. */
export interface JsonMember {
  /** Offset of the value, after any space. */
  readonly start: number;
  /** Offset of the byte after the value. */
  readonly end: number;
  /** Path of the first integer beyond 2^53, e.g. `Params.user.id`; undefined if there is none. */
  readonly largeInteger: string | undefined;
  /** Path of the first number that is infinite as a double, e.g. `1e400`; undefined if there is none. */
  readonly infinite: string | undefined;
}

/** Maximum depth of nesting. The limits of executors are lower. */
export const maxNesting = 100_000;

/** Maximum number of parts of a reported path, and maximum length of each, bytes. */
const maxPathParts = 8;
const maxPartBytes = 64;
/** Largest integer up to which doubles represent all integers. */
const largestExact = "9007199254740992";

/** States of the scanner: the token that it expects, or the string or key that it is inside. */
const State = {
  value: 0,
  firstElement: 1,
  firstKey: 2,
  key: 3,
  colon: 4,
  next: 5,
  inString: 6,
  inKey: 7,
};

const decoder = new TextDecoder();

/** Scan of one text. */
export class JsonScan {
  readonly #bytes: Uint8Array;
  readonly #names: MemberNames;
  readonly #isExact: boolean;
  readonly #members: (JsonMember | undefined)[] = [];
  #at = 0;
  #state = State.value;
  #depth = 0;
  /** For each level, the offset of the last key of an object, or the complement of the index in an array. */
  readonly #places: number[] = [];
  #isObject = false;
  /** Index of the name of the current member; -1 if it was not requested. */
  #member = -1;
  #memberStart = 0;
  #values = 0;
  #largeInteger: string | undefined;
  #infinite: string | undefined;

  /**
   * Creates a scan that has not begun.
   *
   * @param bytes UTF-8, optionally after a byte order mark; must not change during the scan
   * @param names names of the members to find
   * @param isExact true if keys match only in the exact case
   */
  constructor(bytes: Uint8Array, names: MemberNames = [], isExact = false) {
    this.#bytes = bytes;
    this.#names = names;
    this.#isExact = isExact;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3;
  }

  /** True if the text is an object. */
  get isObject(): boolean {
    return this.#isObject;
  }

  /** Number of values that were scanned so far, without keys. */
  get values(): number {
    return this.#values;
  }

  /**
   * Returns a requested member; the last one if there are several.
   *
   * @param at index of its name
   */
  member(at: number): JsonMember | undefined {
    return this.#members[at];
  }

  /**
   * Scans the next bytes.
   *
   * @param count approximate number of bytes
   * @returns true once the whole text is scanned
   * @throws {JsonScanError}
   */
  advance(count = Infinity): boolean {
    const { length } = this.#bytes;
    this.#scan(Math.min(this.#at + count, length));
    if (this.#at < length) return false;
    if (this.#depth > 0 || this.#state !== State.next) fail("Unexpected end of the text", length);
    return true;
  }

  #scan(limit: number): void {
    const bytes = this.#bytes;
    while (this.#at < limit) {
      const state = this.#state;
      if (state >= State.inString) {
        this.#at = endOfString(bytes, this.#at, limit);
        if (this.#at < limit) this.#endString();
        continue;
      }
      const byte = bytes[this.#at]!;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) this.#at++;
      else if (state === State.next) this.#afterValue(byte);
      else if (state === State.value) this.#beginValue(byte);
      else if (state === State.colon) {
        if (byte !== colon) fail("Expected a colon", this.#at);
        this.#at++;
        this.#state = State.value;
      } else this.#beginFirst(byte);
    }
  }

  /** Begins the first element of an array, or a key of an object. */
  #beginFirst(byte: number): void {
    if (this.#state === State.firstElement) {
      if (byte === closeBracket) return this.#leave();
      return this.#beginValue(byte);
    }
    if (byte === closeBrace && this.#state === State.firstKey) return this.#leave();
    if (byte !== quote) fail("Expected a key in double quotes", this.#at);
    this.#places[this.#depth - 1] = this.#at++;
    this.#state = State.inKey;
  }

  #beginValue(byte: number): void {
    const at = this.#at;
    if (this.#depth === 1) this.#memberStart = at;
    if (byte === quote) {
      this.#at++;
      this.#state = State.inString;
    } else if (byte === openBrace || byte === openBracket) this.#enter(byte === openBrace);
    else if (byte === minus || (byte >= zero && byte <= nine)) this.#number(at);
    else if (byte === 0x74) this.#endValue(endOfWord(this.#bytes, at, "true"));
    else if (byte === 0x66) this.#endValue(endOfWord(this.#bytes, at, "false"));
    else if (byte === 0x6e) this.#endValue(endOfWord(this.#bytes, at, "null"));
    else fail("Expected a value", at);
  }

  #afterValue(byte: number): void {
    if (this.#depth === 0) fail("Expected the end of the text", this.#at);
    const level = this.#depth - 1;
    const place = this.#places[level]!;
    if (byte === comma) {
      this.#at++;
      if (place < 0) this.#places[level] = place - 1;
      this.#state = place < 0 ? State.value : State.key;
    } else if (byte === (place < 0 ? closeBracket : closeBrace)) this.#leave();
    else fail(place < 0 ? 'Expected "," or "]"' : 'Expected "," or "}"', this.#at);
  }

  #enter(isObject: boolean): void {
    if (this.#depth === maxNesting) fail("Nested too deeply", this.#at);
    if (this.#depth === 0) this.#isObject = isObject;
    this.#places[this.#depth++] = isObject ? 0 : ~0;
    this.#at++;
    this.#state = isObject ? State.firstKey : State.firstElement;
  }

  #leave(): void {
    this.#depth--;
    this.#endValue(this.#at + 1);
  }

  #endString(): void {
    if (this.#state === State.inString) return this.#endValue(this.#at + 1);
    if (this.#depth === 1) this.#beginMember(this.#places[0]! + 1, this.#at);
    this.#at++;
    this.#state = State.colon;
  }

  #beginMember(start: number, end: number): void {
    const place = placeOf(this.#bytes, start, end, this.#names);
    this.#member = this.#isExact && place >= 0 && !this.#isSame(start, end, this.#names[place]!)
      ? -1
      : place;
    this.#largeInteger = this.#infinite = undefined;
  }

  #isSame(start: number, end: number, name: string): boolean {
    return JSON.parse(this.#text(start - 1, end + 1)) === name;
  }

  #endValue(end: number): void {
    this.#at = end;
    this.#values++;
    this.#state = State.next;
    if (this.#depth !== 1 || this.#member < 0) return;
    this.#members[this.#member] = {
      start: this.#memberStart,
      end,
      largeInteger: this.#largeInteger,
      infinite: this.#infinite,
    };
    this.#member = -1;
  }

  #number(start: number): void {
    const bytes = this.#bytes;
    const integer = endOfInteger(bytes, start);
    const end = endOfFraction(bytes, integer);
    if (end - start > maxNumberBytes) {
      fail(`A number is longer than ${maxNumberBytes} bytes: send it as a string`, start);
    }
    if (this.#member >= 0) {
      if (end > integer) this.#noteInfinite(start, integer, end);
      else if (end - start >= largestExact.length) this.#noteLarge(start, end);
    }
    this.#endValue(end);
  }

  #noteLarge(start: number, end: number): void {
    if (this.#largeInteger !== undefined) return;
    const digits = this.#text(this.#bytes[start] === minus ? start + 1 : start, end);
    const { length } = largestExact;
    if (digits.length > length || (digits.length === length && digits > largestExact)) {
      this.#largeInteger = this.#path();
    }
  }

  #noteInfinite(start: number, integer: number, end: number): void {
    if (this.#infinite !== undefined) return;
    // Without an exponent of three digits, only hundreds of digits before the point make it infinite.
    if (end - integer < 4 && integer - start < 200) return;
    if (!Number.isFinite(Number(this.#text(start, end)))) this.#infinite = this.#path();
  }

  /** Returns the current path, with dots between names and indices. Long paths and names are truncated. */
  #path(): string {
    const parts = [this.#names[this.#member]!];
    for (let level = 1; level < this.#depth; level++) {
      if (parts.length === maxPathParts) return [...parts, "..."].join(".");
      const place = this.#places[level]!;
      parts.push(place < 0 ? String(~place) : this.#keyAt(place));
    }
    return parts.join(".");
  }

  #keyAt(start: number): string {
    const bytes = this.#bytes;
    const bound = Math.min(start + maxPartBytes, bytes.length);
    let end = start + 1;
    while (end < bound && bytes[end] !== quote) end += bytes[end] === backslash ? 2 : 1;
    if (end >= bound) return `${this.#text(start + 1, bound)}...`;
    return JSON.parse(this.#text(start, end + 1));
  }

  #text(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }
}
