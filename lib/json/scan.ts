/**
 * Checks JSON (RFC 8259) without making values of it, and finds where an object's members are. A text
 * of some MiB can become a hundred times as much in objects and take seconds to parse; a scan takes
 * a nanosecond or two for each byte, makes next to nothing, and can be interrupted at any byte.
 *
 * As strict as `JSON.parse`, and stricter in two ways: bytes that are not UTF-8 and nesting beyond a bound
 * are refused. Escapes of lone surrogates (`\ud800`) are JSON and pass, as in `JSON.parse`.
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

/** A member of the outermost object. */
export interface JsonMember {
  /** The bytes of its value, without the space around it. */
  readonly start: number;
  /** The byte after these. */
  readonly end: number;
  /** Where in it is the first integer beyond 2^53, e.g. `Params.user.id`; undefined: nowhere. */
  readonly largeInteger: string | undefined;
  /** Where in it is the first number that is infinite as a double, e.g. `1e400`. */
  readonly infinite: string | undefined;
}

/** Deepest nesting that passes; executors' own bounds are lower. */
export const maxNesting = 100_000;

/** Most parts of a reported path, and most bytes of each. */
const maxPathParts = 8;
const maxPartBytes = 64;
/** The largest integer up to which doubles are exact. */
const largestExact = "9007199254740992";

/** What is expected next. */
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

/** One scan over the bytes of one text. */
export class JsonScan {
  readonly #bytes: Uint8Array;
  readonly #names: MemberNames;
  readonly #isExact: boolean;
  readonly #members: (JsonMember | undefined)[] = [];
  #at = 0;
  #state = State.value;
  #depth = 0;
  /** For each level: the byte at which the last key began, or in an array the complement of the index. */
  readonly #places: number[] = [];
  #isObject = false;
  /** The member that is being scanned: its place among the names; -1 if it is not wanted. */
  #member = -1;
  #memberStart = 0;
  #values = 0;
  #largeInteger: string | undefined;
  #infinite: string | undefined;

  /**
   * @param bytes UTF-8, perhaps behind a byte order mark; must not change meanwhile
   * @param names members to find
   * @param isExact true if only a key in the exact case means one
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

  /** Values that were seen so far, keys aside. */
  get values(): number {
    return this.#values;
  }

  /**
   * A requested member; the last one if there are several.
   *
   * @param at its place among the names
   */
  member(at: number): JsonMember | undefined {
    return this.#members[at];
  }

  /**
   * Goes on.
   *
   * @param count how many bytes further, about
   * @returns true once the whole text is scanned
   * @throws {JsonScanError}
   */
  advance(count = Infinity): boolean {
    const { length } = this.#bytes;
    this.#scan(Math.min(this.#at + count, length));
    if (this.#at < length) return false;
    if (this.#depth > 0 || this.#state !== State.next) fail("The text ends too early", length);
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

  /** The first of a container, or another key. */
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
    // Without an exponent of three digits it is infinite only by hundreds of digits before the point.
    if (end - integer < 4 && integer - start < 200) return;
    if (!Number.isFinite(Number(this.#text(start, end)))) this.#infinite = this.#path();
  }

  /** Where the scan is, with dots between names and indices; long ones are cut. */
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
