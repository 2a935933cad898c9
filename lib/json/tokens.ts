/**
 * The tokens of JSON (RFC 8259) as bytes of UTF-8: strings, numbers, words and keys, each passed over without a
 * value being made of it.
 *
 * @module
 */

/**
 * Names of members in their exact spelling; a key means one in any case, as in Go's JSON decoder, if no
 * more is said.
 */
export type MemberNames = readonly string[];

/** Says that bytes are not JSON, or not the JSON that is expected. */
export class JsonScanError extends Error {
  /** The class. */
  override readonly name = "JsonScanError";

  /**
   * @param message what is wrong
   * @param at the byte where it was seen
   */
  constructor(message: string, readonly at: number) {
    super(`${message} at byte ${at}`);
  }
}

/** Longest key that is read to see whether it is wanted: 21 characters, each an escape. */
const maxKeyBytes = 6 * 21;
/** Longest number, bytes: none is scanned in pieces. */
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
 * Refuses a text.
 *
 * @param message what is wrong
 * @param at the byte where it was seen
 * @throws always
 */
export function fail(message: string, at: number): never {
  throw new JsonScanError(message, at);
}

/**
 * Passes over a string.
 *
 * @param bytes the text
 * @param from a byte inside the string
 * @param limit where to stop between two characters
 * @returns where the quote is that ends the string, or the limit, or a little more
 */
export function endOfString(bytes: Uint8Array, from: number, limit: number): number {
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

/**
 * Passes over `true`, `false` or `null`.
 *
 * @param bytes the text
 * @param at its first byte
 * @param word the word that begins there
 * @returns where it ends
 */
export function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) fail("Expected a value", at);
  }
  return at + word.length;
}

/**
 * Passes over the integer part of a number.
 *
 * @param bytes the text
 * @param start the first byte of the number
 * @returns where the part ends
 */
export function endOfInteger(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start;
  return bytes[first] === zero ? first + 1 : endOfDigits(bytes, first);
}

/**
 * Passes over the fraction and the exponent of a number, if it has them.
 *
 * @param bytes the text
 * @param integer where its integer part ends
 * @returns where the number ends
 */
export function endOfFraction(bytes: Uint8Array, integer: number): number {
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

/**
 * Finds the name that a key means.
 *
 * @param bytes the text
 * @param start the first byte of the key, behind its quote
 * @param end where its closing quote is
 * @param names the names to choose from
 * @returns index of the name; -1 if the key means none
 */
export function placeOf(bytes: Uint8Array, start: number, end: number, names: MemberNames): number {
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
