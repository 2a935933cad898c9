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

/**
 * Names of members in their exact spelling; a key means one in any case, as in Go's JSON decoder, if no
 * more is said.
 */
export type MemberNames = readonly string[];

/** Says that bytes are no JSON, or not as they are wanted. */
export class JsonScanError extends Error {
  /** The class. */
  override readonly name = "JsonScanError";

  /**
   * An error at a place.
   *
   * @param message what is wrong
   * @param at the byte where it was seen
   */
  constructor(message: string, readonly at: number) {
    super(`${message} at byte ${at}`);
  }
}

/** Deepest nesting that passes; executors' own bounds are lower. */
export const maxNesting = 100_000;

/** Most parts of a path, and most bytes of each, that are told. */
const maxPathParts = 8;
const maxPartBytes = 64;
/** Longest key that is read to see whether it is wanted: 21 characters, each an escape. */
const maxKeyBytes = 6 * 21;
/** Longest number, bytes: none is scanned in pieces. */
const maxNumberBytes = 1 << 16;
/** The largest integer up to which doubles are exact. */
const largestExact = "9007199254740992";

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;

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
   * A scan that has not begun.
   *
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
   * A member that was asked for; the last one, if it is there twice.
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

function fail(message: string, at: number): never {
  throw new JsonScanError(message, at);
}

/** @returns where the quote is that ends a string, or the limit, or a little more */
function endOfString(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const byte = bytes[at]!;
    if (isPlain[byte] === 1) at++;
    else if (byte === quote) return at;
    else if (byte === backslash) at += escapeLength(bytes, at);
    else if (byte >= 0x80) at += characterLength(bytes, at);
    else fail("A string has a control character that is not escaped", at);
  }
  return at;
}

function escapeLength(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1]!;
  if (isEscape[kind] === 1) return 2;
  if (kind !== 0x75) fail("A string has an escape that JSON does not know", at);
  for (let i = 2; i < 6; i++) {
    if (isHex[bytes[at + i]!] !== 1) fail("An escape needs four hex digits", at);
  }
  return 6;
}

/** Length of a character of several bytes (RFC 3629 section 4). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  let ok = first >= 0xc2 && first <= 0xf4 && second >= 0x80 && second <= 0xbf;
  if (first === 0xe0) ok &&= second >= 0xa0;
  else if (first === 0xed) ok &&= second <= 0x9f;
  else if (first === 0xf0) ok &&= second >= 0x90;
  else if (first === 0xf4) ok &&= second <= 0x8f;
  for (let i = 2; i < length; i++) ok &&= (bytes[at + i]! & 0xc0) === 0x80;
  if (!ok) fail("The text is not UTF-8", at);
  return length;
}

function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) fail("Expected a value", at);
  }
  return at + word.length;
}

/** @returns where the integer part of a number ends */
function endOfInteger(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start;
  return bytes[first] === zero ? first + 1 : endOfDigits(bytes, first);
}

/** @returns where a number ends, with its fraction and its exponent, if it has them */
function endOfFraction(bytes: Uint8Array, integer: number): number {
  let at = integer;
  if (bytes[at] === point) at = endOfDigits(bytes, at + 1);
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return at;
  at++;
  return endOfDigits(bytes, bytes[at] === minus || bytes[at] === 0x2b ? at + 1 : at);
}

/** @returns where digits end, of which there must be one; soon, if they are too many */
function endOfDigits(bytes: Uint8Array, from: number): number {
  const bound = from + maxNumberBytes + 1;
  let at = from;
  while (at < bound && bytes[at]! >= zero && bytes[at]! <= nine) at++;
  if (at === from) fail("Expected a digit", at);
  return at;
}

/** @returns the place of the name that a key means; -1 if it means none */
function placeOf(bytes: Uint8Array, start: number, end: number, names: MemberNames): number {
  for (let place = 0; place < names.length; place++) {
    const name = names[place]!;
    if (name.length === end - start && isSpelled(bytes, start, name)) return place;
  }
  // Only a key with escapes can be longer than the name that it means.
  if (names.length === 0 || end - start > maxKeyBytes) return -1;
  if (!bytes.subarray(start, end).includes(backslash)) return -1;
  const key: string = JSON.parse(decoder.decode(bytes.subarray(start - 1, end + 1)));
  return names.findIndex((name) => name.toLowerCase() === key.toLowerCase());
}

/** Letters of ASCII are the same but for one bit. */
function isSpelled(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    const wanted = name.charCodeAt(i);
    if (byte !== wanted && ((byte ^ wanted) !== 0x20 || !isLetter(byte))) return false;
  }
  return true;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** A table with 1 at the bytes that are wanted. */
function table(isWanted: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => isWanted(byte) ? 1 : 0);
}

/** Bytes that stand for themselves in a string. */
const isPlain = table((byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== backslash
);
/** Bytes that are an escape behind a backslash, but for the `u` before four digits. */
const isEscape = table((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const isHex = table((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
