/**
 * Raw HTTP requests for commands that use standard input, standard output and environment variables: the
 * Common Gateway Interface (RFC 3875), with and without the headers that CGI programs write.
 *
 * @module
 */

import { bodyOf, type HttpEvent, targetOf } from "../web_request.ts";

/** Maximum size of the headers that a program writes, bytes. */
const maxHeaderBytes = 64 << 10;
const strict = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** Request in the form in which a command receives it. */
export interface CgiRequest {
  /** Environment variables, `NAME=value`. */
  readonly env: readonly string[];
  /** Standard input: the body that the client sent. */
  readonly stdin: Uint8Array<ArrayBuffer>;
}

/** Error: the output of a program is no CGI response. */
export class CgiError extends Error {
  override readonly name = "CgiError";
}

/**
 * Converts a request to variables and standard input. Omits the variable REMOTE_ADDR of RFC 3875, because a
 * request may have been forwarded by other nodes.
 */
export function cgiRequest(event: HttpEvent, functionName: string): CgiRequest {
  const stdin = bodyOf(event);
  const target = targetOf(event);
  const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(target)!;
  const [, name = "", port = "80"] = /^(.*?)(?::(\d+))?$/.exec(event.headers.host ?? "")!;
  const script = `/fn/${functionName}`;
  const variables: Record<string, string> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    SERVER_SOFTWARE: "serverledge",
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_NAME: name,
    SERVER_PORT: port,
    REQUEST_METHOD: event.method,
    REQUEST_URI: script + target,
    SCRIPT_NAME: script,
    PATH_INFO: decoded(path),
    QUERY_STRING: query,
  };
  const type = event.headers["content-type"];
  if (type !== undefined) variables.CONTENT_TYPE = textOf(type);
  if (stdin.length > 0) variables.CONTENT_LENGTH = String(stdin.length);
  for (const [name, value] of Object.entries(event.headers)) {
    if (becomesVariable(name)) {
      variables[`HTTP_${name.toUpperCase().replaceAll("-", "_")}`] = textOf(value);
    }
  }
  return { env: Object.entries(variables).map(([name, value]) => `${name}=${value}`), stdin };
}

/**
 * Reports whether a header becomes a variable. `Proxy` does not: programs read their proxy from `HTTP_PROXY`,
 * which no client may choose. A name with an underscore does not: it would be mistaken for one with a hyphen.
 */
function becomesVariable(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) &&
    name !== "proxy" && name !== "content-type" && name !== "content-length";
}

/** Decodes a percent-encoded path. Returns it unchanged if the result is not UTF-8 or contains NUL. */
function decoded(path: string): string {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") ? path : text;
  } catch {
    return path;
  }
}

/** Decodes a header, whose bytes arrive as one character each. Returns it unchanged if it is not UTF-8. */
function textOf(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return strict.decode(Uint8Array.from(value, (char) => char.charCodeAt(0)));
  } catch {
    return value;
  }
}

/** HTTP response; see `toHttpAnswer` of the node. */
interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  readonly isBase64Encoded: true;
}

/**
 * Returns the response of a program that writes only a body: status 200, plain text or bytes.
 *
 * @param output of the program
 */
export function plainAnswer(output: Uint8Array): Answer {
  const type = output.length === 0
    ? []
    : isText(output)
    ? "text/plain; charset=UTF-8"
    : "application/octet-stream";
  return answer(200, { "content-type": type }, output);
}

/**
 * Returns the response of a program that writes headers, an empty line and a body (RFC 3875 section 6).
 *
 * @param output of the program
 * @throws {CgiError} if the output does not begin with such headers
 */
export function cgiAnswer(output: Uint8Array): Answer {
  const head = latin1.decode(output.subarray(0, maxHeaderBytes));
  const end = /\r?\n\r?\n/.exec(head);
  if (!end) {
    throw new CgiError(
      `the output has no header section that ends with an empty line: ${start(head)}`,
    );
  }
  const headers: Record<string, string[]> = Object.create(null);
  for (const line of head.slice(0, end.index).split(/\r?\n/)) {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) {
      throw new CgiError(`the output has an invalid header line: ${start(line)}`);
    }
    (headers[name.toLowerCase()] ??= []).push(value!);
  }
  const { status, ...rest } = headers;
  if (!status && !rest.location && !rest["content-type"]) {
    throw new CgiError("the output has no header Content-Type, Status or Location");
  }
  const statusCode = status ? Number(/^\d{3}/.exec(status[0]!)) : rest.location ? 302 : 200;
  const body = output.subarray(end.index + end[0].length);
  return answer(statusCode, { "content-type": [], ...rest }, body);
}

function answer(statusCode: number, headers: Answer["headers"], body: Uint8Array): Answer {
  return { statusCode, headers, body: body.toBase64(), isBase64Encoded: true };
}

function isText(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function start(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
