/**
 * The heads of HTTP/1.1 messages as text (RFC 9112).
 *
 * @module
 */

import { BadMessage } from "./failures.ts";

/** Name and value of a header. */
export type HeaderPair = readonly [name: string, value: string];

/** The head of an answer. */
export interface AnswerHead {
  /** Status code. */
  readonly status: number;
  /** Headers in their order, names in lower case. */
  readonly headers: readonly HeaderPair[];
  /** How its body is delimited. */
  readonly framing: Framing;
  /** True if another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** How a body is delimited: by its length, in chunks, or by the end of the connection. */
export type Framing = number | "chunked" | "eof";

/**
 * The head of a request, as it is sent.
 *
 * @param method verb
 * @param path path and query; characters that a request line cannot carry are percent-encoded
 * @param headers without those that delimit the body
 * @param length of the body; undefined: it is sent in chunks
 * @throws {TypeError} if a header would not stay one header
 */
export function requestHead(
  method: string,
  path: string,
  headers: readonly HeaderPair[],
  length: number | undefined,
): string {
  let head = `${method} ${path.replace(/[^\x21-\x7e]/gu, encodeURIComponent)} HTTP/1.1\r\n`;
  for (const [name, value] of headers) {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new TypeError(`Cannot send header ${name}: a character of it is none of headers`);
    }
    head += `${name}: ${value}\r\n`;
  }
  if (length === undefined) head += "transfer-encoding: chunked\r\n";
  // Bodies of no length are told too, but not with verbs that have none.
  else if (length > 0 || !bodiless.has(method)) head += `content-length: ${length}\r\n`;
  return `${head}\r\n`;
}

const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/**
 * Reads the head of an answer.
 *
 * @param text up to the empty line that ends it; its lines may also end without a CR
 * @param method verb of the request
 * @throws {BadMessage} if it is not HTTP/1 or does not tell how its body ends
 */
export function parseAnswerHead(text: string, method: string): AnswerHead {
  const [first = "", ...lines] = text.split("\n");
  const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?:[ \r]|$)/.exec(first) ?? [];
  if (!code) throw new BadMessage("is not HTTP/1");
  const headers = lines.filter((line) => line !== "" && line !== "\r").map((line): HeaderPair => {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new BadMessage("has a header without a name");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = Number(code);
  const framing = framingOf(status, method, headers);
  const connection = valueOf(headers, "connection")?.toLowerCase() ?? "";
  const keepAlive = framing !== "eof" && !connection.includes("close") &&
    (minor === "1" || connection.includes("keep-alive"));
  return { status, headers, framing, keepAlive };
}

function valueOf(headers: readonly HeaderPair[], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

function framingOf(status: number, method: string, headers: readonly HeaderPair[]): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  const coding = valueOf(headers, "transfer-encoding")?.toLowerCase();
  const lengths = new Set(
    headers.filter(([name]) => name === "content-length").map((pair) => pair[1]),
  );
  // Two ways to find the end of a body are two opinions on where the next answer begins.
  if (lengths.size > 1 || (coding !== undefined && lengths.size > 0)) {
    throw new BadMessage("has an ambiguous length");
  }
  if (coding === "chunked") return "chunked";
  if (coding !== undefined) throw new BadMessage(`is coded as ${coding}`);
  const [length] = lengths;
  if (length === undefined) return "eof";
  if (!/^\d{1,15}$/.test(length)) throw new BadMessage("has a bad length");
  return Number(length);
}
