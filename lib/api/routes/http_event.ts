/**
 * HTTP as functions see it: a request becomes an event for the handler's params, and what the
 * handler returns becomes an answer. Bodies come in as bytes, read and bounded before.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { asWritten, parseNumbers } from "../../json/exact.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import type { PageAnswer, PageRequest } from "../../model/page.ts";
import { hopHeaderNames } from "../../cluster/peers/hop_headers.ts";
import { reportHeader } from "../../cluster/peers/event_exchange.ts";
import { passesOn } from "../../http/passing.ts";
import type { HeaderPair } from "../../http/head.ts";
import { type IncomingRequest, isBodiless } from "../../http/server/messages.ts";
import { KnownResponse } from "../../http/server/web.ts";

/** A request as it comes to a handler. A type, not an interface, so that it is a JSON object. */
export type HttpEvent = {
  /** The verb. */
  method: string;
  /** Path and query, byte for byte as they were sent: what signatures of requests are made of. */
  url: string;
  /** What follows the function's name, as it was sent (percent-encoded); at least `/`. */
  path: string;
  /** The query, decoded; a key that was sent several times has all its values. */
  query: Record<string, string | string[]>;
  /** Headers by lower-case name; one that was sent several times has all its values, with commas. */
  headers: Record<string, string>;
  /** Text, or base64; empty if none was sent. */
  body: string;
  /** True if the body is base64: it is not text by its content type, or not UTF-8. */
  isBase64Encoded: boolean;
};

const textTypes = /^(text\/|application\/(.+\+)?(json|xml|yaml)\b|image\/svg\+xml\b)/i;
const otherTextTypes =
  /^application\/(x-www-form-urlencoded|javascript|ecmascript|x-ndjson|graphql|toml|sql)\b/i;

/** What of a request is before its body. */
type PageHead = Pick<IncomingRequest, "method" | "target"> & {
  readonly headers: Iterable<HeaderPair>;
};

/**
 * Takes over what of a request concerns its function. What nodes tell each other does not: whoever
 * knew it could pass for a node.
 *
 * @param head the request as it was received, its body aside
 */
export function toPage(
  { method, target, headers }: PageHead,
  body: Uint8Array<ArrayBuffer>,
): PageRequest {
  const pairs = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const);
  const passes = passesOn(
    pairs.filter(([name]) => name === "connection").map(([, value]) => value).join(),
  );
  return {
    method,
    target,
    headers: pairs.filter(([name]) => passes(name) && !hopHeaderNames.includes(name)),
    body,
  };
}

/** Makes the event of a request. */
export function toHttpEvent(page: PageRequest): HttpEvent & JsonObject {
  const head = eventHead(page);
  const { body } = page;
  const text = isTextType(head) ? decodeText(body) : body.length === 0 ? "" : undefined;
  return { ...head, body: text ?? body.toBase64(), isBase64Encoded: text === undefined };
}

/** What of an event is before its body. */
export function eventHead(page: PageRequest): Omit<HttpEvent, "body" | "isBase64Encoded"> {
  return { method: page.method, ...placeOf(page.target), headers: combine(page.headers) };
}

/** Whether the body of a request is text by its content type. */
export function isTextType({ headers }: Pick<HttpEvent, "headers">): boolean {
  const contentType = headers["content-type"] ?? "";
  return textTypes.test(contentType) || otherTextTypes.test(contentType);
}

/** Several headers of one name are one list (RFC 9110 section 5.3), of cookies with semicolons. */
function combine(pairs: PageRequest["headers"]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = headers.get(name);
    const mark = name === "cookie" ? "; " : ", ";
    headers.set(name, before === undefined ? value : before + mark + value);
  }
  return Object.fromEntries(headers);
}

/** Takes the target apart by hand: `URL` would resolve `..` and re-encode what is the function's. */
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
 * Makes the answer of what a handler returned. An object with `statusCode`, or with `body` and
 * `headers`, is an answer as such:
 * `{ statusCode = 200, headers = {}, body = "", isBase64Encoded = false }`, where a header may have
 * several values, or none, and a body that is not text is sent as JSON. The content type is that of
 * the body unless the headers name it; an empty list there means none. A string is sent as plain
 * text, anything else as JSON.
 *
 * @throws `FUNCTION_ERROR` if the object is no valid answer; it is the function's mistake
 */
export function toHttpAnswer(result: string): KnownResponse {
  const value = parseResult(result);
  if (isObject(value) && isAnswer(value)) return explicitAnswer(value, answerBody(value, result));
  return typeof value === "string" ? plain(value) : jsonAnswer(result);
}

/** The answer of a function that ran on another node or streams it, as it comes. */
export function passedOn({ status, headers, body }: PageAnswer): KnownResponse {
  return new KnownResponse(body, status, headers);
}

/** Custom images may return text that is not JSON: it is what they mean. */
function parseResult(result: string): unknown {
  try {
    return JSON.parse(result);
  } catch {
    return result;
  }
}

/** Whether an object that a handler returned is an answer as such. */
export function isAnswer(value: Record<string, unknown>): boolean {
  return "statusCode" in value || ("body" in value && "headers" in value);
}

/** The body of an answer. */
export interface AnswerBody {
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What they are if the headers do not tell. */
  readonly kind: "binary" | "json" | "text";
}

const contentTypes: Readonly<Record<AnswerBody["kind"], string>> = {
  binary: "application/octet-stream",
  json: "application/json",
  text: "text/plain; charset=UTF-8",
};

/**
 * Makes an answer as such.
 *
 * @param value what the handler returned, of which the body is not looked at
 * @throws `FUNCTION_ERROR`
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

/** Reports a body that does not match its headers. */
export function notBase64(): ServerledgeError {
  return invalid("body", "expected base64 text, as isBase64Encoded is true");
}

/** JSON of a body, in which numbers have all the digits that the function gave them. */
function bodyJson(body: unknown, result: string): string {
  if (!/\d{16}/.test(result)) return JSON.stringify(body);
  return JSON.stringify((parseNumbers(result, asWritten) as { body: unknown }).body);
}

/** @returns the headers, and the names that were given, those without a value among them */
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
    // The server counts the bodies that it sends itself; to HEAD only the function knows the length.
    if (!mayPass(name) || name === reportHeader) continue;
    if (name === "content-length" && !/^\d{1,15}$/.test(String(one))) continue;
    appendHeader(headers, [name, String(one)]);
  }
  return { headers, names };
}

function appendHeader(headers: Headers, [name, value]: HeaderPair): void {
  try {
    headers.append(name, value);
  } catch {
    throw invalid(`headers.${name}`, "expected a valid header name and a value of one line");
  }
}

const encoder = new TextEncoder();

/** The answer of a handler that returned a string. */
export function plain(text: string | Uint8Array<ArrayBuffer>): KnownResponse {
  return new KnownResponse(text, 200, [["content-type", contentTypes.text]]);
}

/** The answer of a handler that returned anything else. */
export function jsonAnswer(json: string | Uint8Array<ArrayBuffer>): KnownResponse {
  return new KnownResponse(json, 200, [["content-type", contentTypes.json]]);
}

/**
 * Says that an answer is no HTTP.
 *
 * @param path of what is wrong in it
 */
export function invalid(path: string, problem: string): ServerledgeError {
  const message = `The function's answer is not valid HTTP: ${path}: ${problem}`;
  return new ServerledgeError("FUNCTION_ERROR", message, { details: { path } });
}
