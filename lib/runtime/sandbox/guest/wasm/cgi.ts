/**
 * Requests over plain HTTP for commands that know standard input, standard output and environment
 * variables: the Common Gateway Interface (RFC 3875), with and without the headers that its programs write.
 *
 * @module
 */

import { bodyOf, type HttpEvent, targetOf } from "../web_request.ts";

/** Most bytes of the headers that a program writes. */
const maxHeaderBytes = 64 << 10;
const strict = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** What a command gets of a request. */
export interface CgiRequest {
  /** Environment variables, `NAME=value`. */
  readonly env: readonly string[];
  /** Standard input: the body as it was sent. */
  readonly stdin: Uint8Array<ArrayBuffer>;
}

/** Says that what a program wrote is no answer of CGI. */
export class CgiError extends Error {
  /** The class. */
  override readonly name = "CgiError";
}

/**
 * The request as a command gets it. Of RFC 3875's variables REMOTE_ADDR is not there: a request may have
 * come by other nodes.
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
 * Tells whether a header becomes a variable of its own. `HTTP_PROXY` is one by which programs get their
 * proxy, which no client may choose; and an underscore would pass for a hyphen.
 */
function becomesVariable(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) &&
    name !== "proxy" && name !== "content-type" && name !== "content-length";
}

/** A path without its percent-encoding, where that leaves text that a variable can hold. */
function decoded(path: string): string {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") ? path : text;
  } catch {
    return path;
  }
}

/** Bytes of a header, which arrive as one character each, as the text that they may be. */
function textOf(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return strict.decode(Uint8Array.from(value, (char) => char.charCodeAt(0)));
  } catch {
    return value;
  }
}

/** An answer to HTTP; see `toHttpAnswer` of the node. */
interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  readonly isBase64Encoded: true;
}

/**
 * The answer of a program that writes nothing but its body: 200, as plain text or as bytes.
 *
 * @param output what it wrote
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
 * The answer of a program that writes headers, an empty line and its body (RFC 3875 section 6).
 *
 * @param output what it wrote
 * @throws {CgiError} where it begins with no such headers
 */
export function cgiAnswer(output: Uint8Array): Answer {
  const head = latin1.decode(output.subarray(0, maxHeaderBytes));
  const end = /\r?\n\r?\n/.exec(head);
  if (!end) throw new CgiError(`the output has no headers that an empty line ends: ${start(head)}`);
  const headers: Record<string, string[]> = Object.create(null);
  for (const line of head.slice(0, end.index).split(/\r?\n/)) {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) {
      throw new CgiError(`the output has a line that is no header: ${start(line)}`);
    }
    (headers[name.toLowerCase()] ??= []).push(value!);
  }
  const { status, ...rest } = headers;
  if (!status && !rest.location && !rest["content-type"]) {
    throw new CgiError("the output has none of the headers Content-Type, Status and Location");
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
