/**
 * Parser for the head of a request (RFC 9112). It is strict wherever two parsers could disagree about
 * the end of a request or its target.
 *
 * @module
 */

import { BadMessage } from "../failures.ts";
import { endOfLine, type HeaderPair, isLength, keepsAlive, parseHeaders } from "../head.ts";
import { HeaderList } from "./messages.ts";

/** Maximum number of headers of a request. */
export const maxHeaders = 128;
/** Maximum length of the target of a request. */
export const maxTargetLength = 32 << 10;

/** Head of the connection preface of HTTP/2 (RFC 9113, 3.4). */
export const http2Preface = "PRI * HTTP/2.0\r\n\r\n";
/** The same preface in the form that `Input.takeHead` returns. */
export const http2Head = "PRI * HTTP/2.0\r";

/** Error for a request that is rejected before it is routed. */
export class RefusedRequest extends Error {
  /** The class, for logs. */
  override readonly name = "RefusedRequest";
  /** Status of the response. */
  readonly status: number;

  /**
   * Creates an error that becomes the response.
   *
   * @param status of the response
   * @param message one line for the client
   */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Head of a request. */
export interface RequestHead {
  /** Method. */
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: HeaderList;
  /** Length of the body, or chunked coding. */
  readonly framing: number | "chunked";
  /** True if another request may follow. */
  readonly keepAlive: boolean;
  /** True if the client waits for a `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** True for HTTP/1.0, which has no chunked coding. */
  readonly isOld: boolean;
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)\r?$/;
const absoluteForm = /^http:\/\/([^/?#]*)([/?].*)?$/i;
/** Characters of a host and port. Callers check whether they form a valid host. */
const hostForm = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/;

/**
 * Parses the head of a request.
 *
 * @param text head without the empty line that ends it; its lines may also end without a CR
 * @param ownHost returns the host of the server, for requests without one
 * @throws {RefusedRequest} if the head is not HTTP/1, or is ambiguous
 */
export function parseRequestHead(text: string, ownHost: () => string): RequestHead {
  const end = endOfLine(text, 0);
  const [, method, rawTarget, major, minor] = requestLine.exec(text.slice(0, end)) ?? [];
  if (!method) throw bad("The first line is not an HTTP/1 request line");
  if (major !== "1") throw new RefusedRequest(505, "The server supports HTTP/1 and HTTP/2 only");
  if (rawTarget!.length > maxTargetLength) throw new RefusedRequest(414, "The URL is too long");
  const isOld = minor === "0";
  const pairs = headersOf(text, end + 1);
  const facts = readFacts(pairs, isOld);
  const { target, host } = parseTarget(method, rawTarget!);
  const named = pairs.find(([name]) => name === "host")?.[1];
  // The host of a URL overrides `Host` (RFC 9112, 3.2.2). Without a URL, if `Host` is empty, or absent
  // as in HTTP/1.0, the host is the address to which the client connected (3.3).
  const headers = host === undefined && named
    ? pairs
    : [["host", host ?? ownHost()] as const, ...pairs.filter(([name]) => name !== "host")];
  return { method, isOld, headers: new HeaderList(headers), ...facts, target };
}

/** Properties that the server itself derives from headers. */
type Facts = Pick<RequestHead, "framing" | "keepAlive" | "expectsContinue">;

function readFacts(pairs: readonly HeaderPair[], isOld: boolean): Facts {
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let connection: string | undefined;
  let expect = "";
  for (const [name, value] of pairs) {
    switch (name) {
      case "host":
        if (host !== undefined) throw bad("There is more than one Host header");
        host = value;
        break;
      case "content-length":
        if (length !== undefined) throw bad("There is more than one Content-Length header");
        length = value;
        break;
      case "transfer-encoding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
      case "connection":
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case "expect":
        expect = value.toLowerCase();
    }
  }
  if (host === undefined && !isOld) throw bad("HTTP/1.1 requires a Host header");
  if (host !== undefined && !hostForm.test(host)) throw bad("Host is not HOST or HOST:PORT");
  if (expect !== "" && expect !== "100-continue") {
    throw new RefusedRequest(417, "The only supported expectation is 100-continue");
  }
  return {
    framing: framingOf(length, coding, isOld),
    // With both headers, a proxy on the path may have used the other one (request smuggling).
    keepAlive: keepsAlive(connection, isOld) && !(coding !== undefined && length !== undefined),
    expectsContinue: expect !== "" && !isOld,
  };
}

function framingOf(
  length: string | undefined,
  coding: string | undefined,
  isOld: boolean,
): number | "chunked" {
  if (length !== undefined && !isLength(length)) {
    throw bad("Content-Length is not a single integer");
  }
  if (coding === undefined) return length === undefined ? 0 : Number(length);
  if (isOld) throw bad("HTTP/1.0 does not support Transfer-Encoding");
  if (coding.toLowerCase() === "chunked") return "chunked";
  throw new RefusedRequest(501, "Transfer-Encoding must be chunked");
}

/** Returns the path and query, and the host if the target is a URL. */
function parseTarget(method: string, raw: string): { target: string; host?: string } {
  const target = /[\x80-\xff]/.test(raw) ? raw.replace(/[\x80-\xff]/g, percentEncoded) : raw;
  if (target.includes("#")) throw bad("The URL must not contain a fragment");
  if (target.startsWith("/")) return { target };
  if (target === "*" && method === "OPTIONS") return { target };
  const [, authority, rest = "/"] = absoluteForm.exec(target) ?? [];
  if (authority === undefined) throw bad("The target is not a path");
  if (authority === "" || !hostForm.test(authority)) {
    throw bad("The URL's host is not HOST or HOST:PORT");
  }
  return { target: rest.startsWith("/") ? rest : `/${rest}`, host: authority };
}

function percentEncoded(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function headersOf(text: string, from: number): HeaderPair[] {
  try {
    const pairs = parseHeaders(text, from);
    if (pairs.length <= maxHeaders) return pairs;
  } catch (error) {
    if (error instanceof BadMessage) throw bad(`The request ${error.message}`);
    throw error;
  }
  throw new RefusedRequest(431, `There are more than ${maxHeaders} headers`);
}

function bad(message: string): RefusedRequest {
  return new RefusedRequest(400, message);
}
