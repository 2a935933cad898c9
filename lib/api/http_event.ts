/**
 * HTTP as functions see it: a request becomes an event for the handler's params, and what the
 * handler returns becomes an answer. Bodies come in as bytes, read and bounded before.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { isObject, type JsonObject } from "../model/json.ts";
import type { PageAnswer, PageRequest } from "../model/page.ts";
import type { HeaderPair } from "./headers.ts";
import { hopHeaderNames } from "../cluster/hop_headers.ts";
import { reportHeader } from "../cluster/page_exchange.ts";
import { passesOn } from "../http/passing.ts";
import { targetOf } from "../http/target.ts";

/** A request as it comes to a handler. A type, not an interface, so that it is a JSON object. */
export type HttpEvent = {
  /** The verb. */
  method: string;
  /** What follows the function's name, as it was sent (percent-encoded); at least `/`. */
  path: string;
  /** The query; a key that was sent several times has all its values. */
  query: Record<string, string | string[]>;
  /** Headers by lower-case name. */
  headers: Record<string, string>;
  /** Text, or base64. */
  body: string;
  /** True if the body is base64: it is not text by its content type, or not UTF-8. */
  isBase64Encoded: boolean;
};

const textTypes = /^(text\/|application\/(.+\+)?(json|xml|yaml)\b|image\/svg\+xml\b)/i;
const otherTextTypes =
  /^application\/(x-www-form-urlencoded|javascript|ecmascript|x-ndjson|graphql|toml|sql)\b/i;

/**
 * Takes over what of a request concerns its function. What nodes tell each other does not: whoever
 * knew it could pass for a node.
 *
 * @param request the request, its body aside
 * @param body its body
 */
export function toPage(request: Request, body: Uint8Array<ArrayBuffer>): PageRequest {
  const passes = passesOn(request.headers.get("connection"));
  return {
    method: request.method,
    target: targetOf(request.url),
    headers: [...request.headers].filter(([name]) =>
      passes(name) && !hopHeaderNames.includes(name)
    ),
    body,
  };
}

/**
 * Makes the event of a request.
 *
 * @param page the request
 */
export function toHttpEvent(page: PageRequest): HttpEvent & JsonObject {
  const { path, query } = placeOf(page.target);
  const headers = Object.fromEntries(page.headers);
  const { body } = page;
  const text = decodeText(body, headers["content-type"] ?? "");
  return {
    method: page.method,
    path,
    query,
    headers,
    body: text ?? body.toBase64(),
    isBase64Encoded: text === undefined,
  };
}

/** Takes the target apart by hand: `URL` would resolve `..` and re-encode what is the function's. */
function placeOf(target: string): Pick<HttpEvent, "path" | "query"> {
  const mark = target.indexOf("?");
  const [, rest = ""] = /^\/fn\/[^/]+(.*)$/.exec(mark < 0 ? target : target.slice(0, mark)) ?? [];
  const query = new Map<string, string | string[]>();
  for (const [key, value] of new URLSearchParams(mark < 0 ? "" : target.slice(mark))) {
    const known = query.get(key);
    query.set(key, known === undefined ? value : [known, value].flat());
  }
  return { path: rest || "/", query: Object.fromEntries(query) };
}

function decodeText(body: Uint8Array, contentType: string): string | undefined {
  if (body.length === 0) return "";
  if (!textTypes.test(contentType) && !otherTextTypes.test(contentType)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** Statuses whose answers have no body (Fetch standard, null body status). */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Makes the answer of what a handler returned. An object with `statusCode`, or with `body` and
 * `headers`, is an answer as such:
 * `{ statusCode = 200, headers = {}, body = "", isBase64Encoded = false }`, where a header may have
 * several values and a body that is not text is sent as JSON. A string is sent as plain text,
 * anything else as JSON.
 *
 * @param result JSON text of what the handler returned
 * @throws `FUNCTION_ERROR` if the object is no valid answer; it is the function's mistake
 */
export function toHttpAnswer(result: string): Response {
  const value = parseResult(result);
  if (isObject(value) && isAnswer(value)) return explicitAnswer(value);
  if (typeof value === "string") return plain(value);
  return new Response(result, { headers: { "content-type": "application/json" } });
}

/**
 * The answer of a function that ran on another node or streams it, as it comes.
 *
 * @param page the answer
 */
export function passedOn({ status, headers, body }: PageAnswer): Response {
  const isEmpty = withoutBody.has(status);
  if (isEmpty && body instanceof ReadableStream) void body.cancel();
  return new Response(isEmpty ? null : body, { status, headers: headers.map(([...pair]) => pair) });
}

/** Custom images may return text that is not JSON: it is what they mean. */
function parseResult(result: string): unknown {
  try {
    return JSON.parse(result);
  } catch {
    return result;
  }
}

function isAnswer(value: Record<string, unknown>): boolean {
  return "statusCode" in value || ("body" in value && "headers" in value);
}

function explicitAnswer(value: Record<string, unknown>): Response {
  const status = value.statusCode ?? 200;
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw invalid("statusCode", "expected an integer from 200 to 599");
  }
  const { bytes, contentType } = answerBody(value.body ?? "", value.isBase64Encoded === true);
  const headers = answerHeaders(value.headers ?? {});
  const isEmpty = withoutBody.has(status as number);
  if (!isEmpty && !headers.has("content-type")) headers.set("content-type", contentType);
  return new Response(isEmpty ? null : bytes, { status: status as number, headers });
}

function answerBody(
  body: unknown,
  isBase64Encoded: boolean,
): { bytes: string | Uint8Array<ArrayBuffer>; contentType: string } {
  if (typeof body !== "string") {
    return { bytes: JSON.stringify(body), contentType: "application/json" };
  }
  if (!isBase64Encoded) return { bytes: body, contentType: plainText };
  try {
    return { bytes: Uint8Array.fromBase64(body), contentType: "application/octet-stream" };
  } catch {
    throw invalid("body", "expected base64 text, as isBase64Encoded is true");
  }
}

function answerHeaders(value: unknown): Headers {
  if (!isObject(value)) throw invalid("headers", "expected an object");
  const pairs = Object.entries(value).flatMap(([name, values]) =>
    [values].flat().map((one): [string, unknown] => [name.toLowerCase(), one])
  );
  const connection = pairs.find(([name]) => name === "connection")?.[1];
  const mayPass = passesOn(typeof connection === "string" ? connection : undefined);
  const headers = new Headers();
  for (const [name, one] of pairs) {
    // The server counts the body itself; a wrong count would break the connection.
    if (!mayPass(name) || name === "content-length" || name === reportHeader) continue;
    appendHeader(headers, [name, String(one)]);
  }
  return headers;
}

function appendHeader(headers: Headers, [name, value]: HeaderPair): void {
  try {
    headers.append(name, value);
  } catch {
    throw invalid(`headers.${name}`, "expected a valid header name and a value of one line");
  }
}

const plainText = "text/plain; charset=UTF-8";

function plain(text: string): Response {
  return new Response(text, { headers: { "content-type": plainText } });
}

function invalid(path: string, problem: string): ServerledgeError {
  const message = `The function's answer is not valid HTTP: ${path}: ${problem}`;
  return new ServerledgeError("FUNCTION_ERROR", message, { details: { path } });
}
