/**
 * Parser and writer for the heads of HTTP/1.1 messages (RFC 9112).
 *
 * @module
 */

import { BadMessage } from "./failures.ts";

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Matches a line in only one way. The time is therefore linear in its length. */
const headerLine = /([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)\r?(?:\n|$)/y;
const badInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** Name and value of a header. */
export type HeaderPair = readonly [name: string, value: string];

/** Head of a response. */
export interface ResponseHead {
  /** Status code. */
  readonly status: number;
  /** Headers in their order, names in lower case. */
  readonly headers: readonly HeaderPair[];
  /** How the body is delimited. */
  readonly framing: Framing;
  /** True if another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** Delimiter of a body: its length, chunks, or the end of the connection. */
export type Framing = number | "chunked" | "eof";

/**
 * Returns the text of the head of a request.
 *
 * @param method method of the request
 * @param path path and query; characters that a request line cannot contain are percent-encoded
 * @param headers headers without those that delimit the body
 * @param length length of the body; undefined: it is sent in chunks
 * @throws {TypeError} if the name or value of a header is invalid
 */
export function requestHead(
  method: string,
  path: string,
  headers: readonly HeaderPair[],
  length: number | undefined,
): string {
  let head = `${method} ${path.replace(/[^\x21-\x7e]/gu, encodeURIComponent)} HTTP/1.1\r\n`;
  head += headerLines(headers);
  if (length === undefined) head += "transfer-encoding: chunked\r\n";
  // A length of zero is sent as well, except for methods without a body.
  else if (length > 0 || !bodiless.has(method)) head += `content-length: ${length}\r\n`;
  return `${head}\r\n`;
}

const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/**
 * Parses the head of a response.
 *
 * @param text head without the empty line that ends it; its lines may also end without a CR
 * @param method method of the request
 * @throws {BadMessage} if the head is not HTTP/1, or the end of the body is ambiguous
 */
export function parseResponseHead(text: string, method: string): ResponseHead {
  const end = endOfLine(text, 0);
  const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?:[ \r]|$)/.exec(text.slice(0, end)) ?? [];
  if (!code) throw new BadMessage("is not HTTP/1");
  const headers = parseHeaders(text, end + 1);
  const status = Number(code);
  const framing = framingOf(status, method, headers);
  const keepAlive = framing !== "eof" && keepsAlive(valueOf(headers, "connection"), minor === "0");
  return { status, headers, framing, keepAlive };
}

/**
 * Returns the lines of headers.
 *
 * @param headers headers in their order
 * @throws {TypeError} if the name or value of a header is invalid
 */
export function headerLines(headers: readonly HeaderPair[]): string {
  let lines = "";
  for (const [name, value] of headers) {
    if (!token.test(name) || badInValue.test(value)) {
      throw new TypeError(
        `Cannot send header "${name}": its name or value contains an invalid character`,
      );
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/**
 * Parses the lines of headers.
 *
 * @param text text of a head; its lines may also end without a CR
 * @param from index of the first header
 * @returns headers, names in lower case
 * @throws {BadMessage} if a line is not a valid header
 */
export function parseHeaders(text: string, from: number): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (headerLine.lastIndex = from; headerLine.lastIndex < text.length;) {
    const [, name, value] = headerLine.exec(text) ?? [];
    // This also rejects a space before the colon, and a line that begins with a space.
    if (!name) throw new BadMessage("has an invalid header");
    pairs.push([name.toLowerCase(), trimmed(value!)]);
  }
  return pairs;
}

/** Returns the index of the end of the line that begins at `from`. */
export function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Removes spaces and tabs at both ends. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * Returns whether another message may follow on a connection.
 *
 * @param connection value of the `Connection` header; undefined if there is none
 * @param isOld whether the peer uses HTTP/1.0
 */
export function keepsAlive(connection: string | undefined, isOld: boolean): boolean {
  if (connection === undefined) return !isOld;
  const tokens = connection.toLowerCase().split(",").map((each) => each.trim());
  return !tokens.includes("close") && (!isOld || tokens.includes("keep-alive"));
}

/** Returns whether a text is a valid length of a body. */
export function isLength(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}

/** Returns the first value of a header, by its name in lower case. */
export function valueOf(headers: readonly HeaderPair[], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

function framingOf(status: number, method: string, headers: readonly HeaderPair[]): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  const coding = valueOf(headers, "transfer-encoding")?.toLowerCase();
  const lengths = new Set(
    headers.filter(([name]) => name === "content-length").map((pair) => pair[1]),
  );
  // With two delimiters, two parsers could disagree about where the next response begins.
  if (lengths.size > 1 || (coding !== undefined && lengths.size > 0)) {
    throw new BadMessage("has an ambiguous length");
  }
  if (coding === "chunked") return "chunked";
  if (coding !== undefined) throw new BadMessage(`has the unsupported encoding ${coding}`);
  const [length] = lengths;
  if (length === undefined) return "eof";
  if (!isLength(length)) throw new BadMessage("has an invalid length");
  return Number(length);
}

/**
 * Finds the end of a head.
 *
 * @param bytes bytes of a message
 * @param from index at which the search for the empty line starts
 * @returns `end` of the text of the head and index of the `next` byte after the empty line;
 *   undefined if the head is incomplete
 */
export function endOfHead(
  bytes: Uint8Array,
  from: number,
): { end: number; next: number } | undefined {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return { end: at, next: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { end: at, next: at + 3 };
  }
  return undefined;
}

const protocol = new TextEncoder().encode("HTTP/1.");

/** Returns whether bytes may begin a response. With this, another protocol is rejected without a wait. */
export function mayBeHttp(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, protocol.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== protocol[at]) return false;
  return true;
}
