/**
 * Scanner for the tokens of JSON (RFC 8259) in UTF-8: strings, numbers, literals and keys. It does not
 * create values.
 *
 * @module
 */

/**
 * Names of members in their exact spelling. By default, keys match in any case, as in Go's JSON decoder.
 */
export type MemberNames = readonly string[];

/** Error for bytes that are not valid JSON, or exceed a limit. */
export class JsonScanError extends Error {
  /** The class, for logs. */
  override readonly name = "JsonScanError";

  /**
   * Creates an error whose message names the offset.
   *
   * @param message description of the error
   * @param at offset of the error, bytes
   */
  constructor(message: string, readonly at: number) {
    super(`${message} at byte ${at}`);
  }
}

/** Maximum length of a key with escapes that is compared with names, bytes: 21 characters, each an escape. */
const maxKeyBytes = 6 * 21;
/** Maximum length of a number, bytes. A number is never scanned in pieces. */
export const maxNumberBytes = 1 << 16;

/** The byte of `"`. */
export const quote = 0x22;
/** The byte of `\`. */
export const backslash = 0x5c;
/** The byte of `{`. */
export const openBrace = 0x7b;
/** The byte of `}`. */
export const closeBrace = 0x7d;
/** The byte of `[`. */
export const openBracket = 0x5b;
/** The byte of `]`. */
export const closeBracket = 0x5d;
/** The byte of `,`. */
export const comma = 0x2c;
/** The byte of `:`. */
export const colon = 0x3a;
/** The byte of `-`. */
export const minus = 0x2d;
/** The byte of `.`. */
const point = 0x2e;
/** The byte of `0`. */
export const zero = 0x30;
/** The byte of `9`. */
export const nine = 0x39;

const decoder = new TextDecoder();

/**
 * Throws a {@link JsonScanError}.
 *
 * @param message description of the error
 * @param at offset of the error, bytes
 * @throws always
 */
export function fail(message: string, at: number): never {
  throw new JsonScanError(message, at);
}

/**
 * Scans a string.
 *
 * @param bytes text
 * @param from offset inside the string
 * @param limit offset at which the scan stops, or after the character there
 * @returns offset of the closing quote, or at least `limit`
 */
export function endOfString(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const byte = bytes[at]!;
    if (isPlain[byte] === 1) at++;
    else if (byte === quote) return at;
    else if (byte === backslash) at += escapeLength(bytes, at);
    else if (byte >= 0x80) at += characterLength(bytes, at);
    else fail("A string contains an unescaped control character", at);
  }
  return at;
}

function escapeLength(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1]!;
  if (isEscape[kind] === 1) return 2;
  if (kind !== 0x75) fail("A string contains an invalid escape sequence", at);
  for (let i = 2; i < 6; i++) {
    if (isHex[bytes[at + i]!] !== 1) fail("A Unicode escape needs four hexadecimal digits", at);
  }
  return 6;
}

/** Returns the length of a character of several bytes (RFC 3629 section 4). */
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
  if (!ok) fail("The text is not valid UTF-8", at);
  return length;
}

/**
 * Scans `true`, `false` or `null`.
 *
 * @param bytes text
 * @param at offset of the first byte, which the caller has compared
 * @param word expected literal
 * @returns offset of its end
 */
export function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) fail("Expected a value", at);
  }
  return at + word.length;
}

/**
 * Scans the integer part of a number.
 *
 * @param bytes text
 * @param start offset of the number
 * @returns offset of the end of the integer part
 */
export function endOfInteger(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start;
  return bytes[first] === zero ? first + 1 : endOfDigits(bytes, first);
}

/**
 * Scans the optional fraction and exponent of a number.
 *
 * @param bytes text
 * @param integer offset of the end of the integer part
 * @returns offset of the end of the number
 */
export function endOfFraction(bytes: Uint8Array, integer: number): number {
  let at = integer;
  if (bytes[at] === point) at = endOfDigits(bytes, at + 1);
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return at;
  at++;
  return endOfDigits(bytes, bytes[at] === minus || bytes[at] === 0x2b ? at + 1 : at);
}

/** Scans one or more digits, at most {@link maxNumberBytes} + 1. @returns offset of their end */
function endOfDigits(bytes: Uint8Array, from: number): number {
  const bound = from + maxNumberBytes + 1;
  let at = from;
  while (at < bound && bytes[at]! >= zero && bytes[at]! <= nine) at++;
  if (at === from) fail("Expected a digit", at);
  return at;
}

/**
 * Finds the name that matches a key.
 *
 * @param bytes text
 * @param start offset of the key, after its quote
 * @param end offset of the closing quote
 * @param names names to compare with
 * @returns index of the name; -1 if no name matches
 */
export function placeOf(bytes: Uint8Array, start: number, end: number, names: MemberNames): number {
  for (let place = 0; place < names.length; place++) {
    const name = names[place]!;
    if (name.length === end - start && isSpelled(bytes, start, name)) return place;
  }
  // Only a key with escapes can be longer than the name that it matches.
  if (names.length === 0 || end - start > maxKeyBytes) return -1;
  if (!bytes.subarray(start, end).includes(backslash)) return -1;
  const key: string = JSON.parse(decoder.decode(bytes.subarray(start - 1, end + 1)));
  return names.findIndex((name) => name.toLowerCase() === key.toLowerCase());
}

/** Compares a key with a name. ASCII letters that differ only in case differ in one bit. */
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

/** Creates a table with 1 at the selected bytes. */
function table(isWanted: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => isWanted(byte) ? 1 : 0);
}

/** Bytes that represent themselves in a string. */
const isPlain = table((byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== backslash
);
/** Bytes that complete an escape after a backslash, except the `u` before four digits. */
const isEscape = table((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const isHex = table((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
