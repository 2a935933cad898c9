/**
 * Conversion between HTTP and functions: a request becomes an event for the params of the handler, and
 * the result of the handler becomes a response. Bodies are bytes, already read and limited.
 *
 * @module
 */

import { keyHeader } from "../../access/key.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { asWritten, parseNumbers } from "../../json/exact.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import type { RawHttpRequest, RawHttpResponse } from "../../model/raw_http.ts";
import { hopHeaderNames } from "../../cluster/peers/hop_headers.ts";
import { reportHeader } from "../../cluster/peers/event_exchange.ts";
import { passesOn } from "../../http/passing.ts";
import type { HeaderPair } from "../../http/head.ts";
import { type IncomingRequest, isBodiless } from "../../http/server/messages.ts";
import { KnownResponse } from "../../http/server/web.ts";

/** HTTP event for a handler. It is a type, since an interface would not be assignable to a JSON object. */
export type HttpEvent = {
  /** Method. */
  method: string;
  /** Path and query, unchanged byte for byte, since signatures of requests depend on them. */
  url: string;
  /** Path after the name of the function, unchanged (percent-encoded); at least `/`. */
  path: string;
  /** Decoded query; a repeated key has all its values. */
  query: Record<string, string | string[]>;
  /** Headers by lower-case name; a repeated header has all its values, separated by commas. */
  headers: Record<string, string>;
  /** Body as text or base64; empty if the request has none. */
  body: string;
  /** True if the body is base64, since its content type is not text or it is not UTF-8. */
  isBase64Encoded: boolean;
};

/** Header that tells a function that its client uses TLS. */
const forwardedProtocol = "x-forwarded-proto";

const textTypes = /^(text\/|application\/(.+\+)?(json|xml|yaml)\b|image\/svg\+xml\b)/i;
const otherTextTypes =
  /^application\/(x-www-form-urlencoded|javascript|ecmascript|x-ndjson|graphql|toml|sql)\b/i;

/** Head of a request. */
type ReceivedHead = Pick<IncomingRequest, "method" | "target"> & {
  readonly isSecure?: boolean;
  readonly headers: Iterable<HeaderPair>;
};

/**
 * Returns the part of a request for the function. Headers between nodes are removed, since a function
 * that knew them could impersonate a node; and so are keys, also on a node that requires none.
 *
 * @param head head of the received request
 * @param body body of the request
 * @param isAuthorized whether the header `Authorization` has authorized the client here, and is no business of the
 *   function
 */
export function toRawRequest(
  { method, target, headers, isSecure }: ReceivedHead,
  body: Uint8Array<ArrayBuffer>,
  isAuthorized = false,
): RawHttpRequest {
  const pairs = [...headers].map(([name, value]): HeaderPair => [name.toLowerCase(), value])
    .filter(([name, value]) => name !== "authorization" || !isAuthorized && !keyHeader.test(value));
  if (isSecure && !pairs.some(([name]) => name === forwardedProtocol)) {
    pairs.push([forwardedProtocol, "https"]);
  }
  const passes = passesOn(
    pairs.filter(([name]) => name === "connection").map(([, value]) => value).join(),
  );
  return {
    method,
    target,
    headers: pairs.filter(([name]) => passes(name) && !hopHeaderNames.has(name)),
    body,
  };
}

/** Returns the event of a request. */
export function toHttpEvent(request: RawHttpRequest): HttpEvent & JsonObject {
  const head = eventHead(request);
  const { body } = request;
  const text = isTextType(head) ? decodeText(body) : body.length === 0 ? "" : undefined;
  return { ...head, body: text ?? body.toBase64(), isBase64Encoded: text === undefined };
}

/** Returns an event without its body. */
export function eventHead(
  request: RawHttpRequest,
): Omit<HttpEvent, "body" | "isBase64Encoded"> {
  return {
    method: request.method,
    ...placeOf(request.target),
    headers: combine(request.headers),
  };
}

/** Returns whether the content type of a request is text. */
export function isTextType({ headers }: Pick<HttpEvent, "headers">): boolean {
  const contentType = headers["content-type"] ?? "";
  return textTypes.test(contentType) || otherTextTypes.test(contentType);
}

/** Joins repeated headers with commas (RFC 9110 section 5.3), cookies with semicolons. */
function combine(pairs: RawHttpRequest["headers"]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = headers.get(name);
    const mark = name === "cookie" ? "; " : ", ";
    headers.set(name, before === undefined ? value : before + mark + value);
  }
  return Object.fromEntries(headers);
}

/** Splits the target without `URL`, which would resolve `..` and change the encoding of the path. */
function placeOf(target: string): Pick<HttpEvent, "url" | "path" | "query"> {
  const mark = target.indexOf("?");
  const search = mark < 0 ? "" : target.slice(mark);
  const [, rest] = /^\/fn\/[^/]+(.*)$/.exec(mark < 0 ? target : target.slice(0, mark)) ?? [];
  const query = new Map<string, string | string[]>();
  for (const [key, value] of new URLSearchParams(search)) {
    const known = query.get(key);
    query.set(key, known === undefined ? value : [known, value].flat());
  }
  const path = rest || "/";
  return { url: path + search, path, query: Object.fromEntries(query) };
}

function decodeText(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/**
 * Returns the response for the result of a handler. An object with `statusCode`, or with `body` and
 * `headers`, is an explicit response:
 * `{ statusCode = 200, headers = {}, body = "", isBase64Encoded = false }`. A header may have several
 * values, or none, and a body that is not text is sent as JSON. The content type follows from the
 * body unless the headers specify it; an empty list there removes it. A string is sent as plain
 * text, any other result as JSON.
 *
 * @throws `FUNCTION_ERROR` if the function returned an invalid response
 */
export function toHttpAnswer(result: string): KnownResponse {
  const value = parseResult(result);
  if (isObject(value) && isAnswer(value)) return explicitAnswer(value, answerBody(value, result));
  return typeof value === "string" ? plain(value) : jsonAnswer(result);
}

/** Returns the response of a function that ran on another node or streams its response, unchanged. */
export function passedOn({ status, headers, body }: RawHttpResponse): KnownResponse {
  return new KnownResponse(body, status, headers);
}

/** Parses a result. Custom images may return text that is not JSON, which is the result itself. */
function parseResult(result: string): unknown {
  try {
    return JSON.parse(result);
  } catch {
    return result;
  }
}

/** Returns whether an object that a handler returned is an explicit response. */
export function isAnswer(value: Record<string, unknown>): boolean {
  return "statusCode" in value || ("body" in value && "headers" in value);
}

/** Body of a response. */
export interface AnswerBody {
  /** Bytes of the body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Kind of content, which determines the content type if the headers do not specify it. */
  readonly kind: "binary" | "json" | "text";
}

const contentTypes: Readonly<Record<AnswerBody["kind"], string>> = {
  binary: "application/octet-stream",
  json: "application/json",
  text: "text/plain; charset=UTF-8",
};

/**
 * Returns an explicit response.
 *
 * @param value result of the handler, of which `body` is ignored
 * @throws `FUNCTION_ERROR` if the status or a header is invalid
 */
export function explicitAnswer(
  value: Record<string, unknown>,
  { bytes, kind }: AnswerBody,
): KnownResponse {
  const status = value.statusCode ?? 200;
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw invalid("statusCode", "expected an integer from 200 to 599");
  }
  const { headers, names } = answerHeaders(value.headers ?? {});
  const isEmpty = isBodiless(status as number);
  if (!isEmpty && !names.has("content-type")) headers.set("content-type", contentTypes[kind]);
  return new KnownResponse(bytes, status as number, [...headers]);
}

function answerBody(
  { body = "", isBase64Encoded }: Record<string, unknown>,
  result: string,
): AnswerBody {
  if (typeof body !== "string" && body !== null) {
    return { bytes: encoder.encode(bodyJson(body, result)), kind: "json" };
  }
  const text = body ?? "";
  if (isBase64Encoded !== true) return { bytes: encoder.encode(text), kind: "text" };
  try {
    return { bytes: Uint8Array.fromBase64(text), kind: "binary" };
  } catch {
    throw notBase64();
  }
}

/** Returns the error for a body that is not base64 despite `isBase64Encoded`. */
export function notBase64(): ServerledgeError {
  return invalid("body", "expected base64 text because isBase64Encoded is true");
}

/** Returns the JSON of a body, in which numbers keep all digits of the result. */
function bodyJson(body: unknown, result: string): string {
  if (!/\d{16}/.test(result)) return JSON.stringify(body);
  return JSON.stringify((parseNumbers(result, asWritten) as { body: unknown }).body);
}

/** Reads the headers of a response. @returns headers and their names, including those without a value */
function answerHeaders(value: unknown): { headers: Headers; names: ReadonlySet<string> } {
  if (!isObject(value)) throw invalid("headers", "expected an object");
  const names = new Set(Object.keys(value).map((name) => name.toLowerCase()));
  const pairs = Object.entries(value).flatMap(([name, values]) =>
    [values].flat().map((one): [string, unknown] => [name.toLowerCase(), one])
  );
  const connection = pairs.find(([name]) => name === "connection")?.[1];
  const mayPass = passesOn(typeof connection === "string" ? connection : undefined);
  const headers = new Headers();
  for (const [name, one] of pairs) {
    // The server replaces the length of a body that it sends; for HEAD, only the function knows it.
    if (!mayPass(name) || name === reportHeader || hopHeaderNames.has(name)) continue;
    if (name === "content-length" && !/^\d{1,15}$/.test(String(one))) continue;
    appendHeader(headers, [name, String(one)]);
  }
  return { headers, names };
}

function appendHeader(headers: Headers, [name, value]: HeaderPair): void {
  try {
    headers.append(name, value);
  } catch {
    throw invalid(`headers.${name}`, "expected a valid header name and a single-line value");
  }
}

const encoder = new TextEncoder();

/** Returns the response for a string. */
export function plain(text: string | Uint8Array<ArrayBuffer>): KnownResponse {
  return new KnownResponse(text, 200, [["content-type", contentTypes.text]]);
}

/** Returns the response for any other result. */
export function jsonAnswer(json: string | Uint8Array<ArrayBuffer>): KnownResponse {
  return new KnownResponse(json, 200, [["content-type", contentTypes.json]]);
}

/**
 * Returns the error for an invalid response of a function.
 *
 * @param path path of the invalid field
 * @param problem description of the problem
 */
export function invalid(path: string, problem: string): ServerledgeError {
  const message = `The function's HTTP response is invalid: ${path}: ${problem}`;
  return new ServerledgeError("FUNCTION_ERROR", message, { details: { path } });
}
