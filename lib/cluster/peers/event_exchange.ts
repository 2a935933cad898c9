/**
 * Plain HTTP requests to functions between nodes: they go to the same route of the peer as
 * received, and the function's response comes back unchanged, with the report in a header. A
 * response without that header is the peer's own.
 *
 * @module
 */

import * as v from "valibot";
import type { HttpResponse } from "../../http/client.ts";
import type { HeaderPair } from "../../http/head.ts";
import type { HttpRequest } from "../../http/request.ts";
import { passesOn } from "../../http/passing.ts";
import { parseJson } from "../../json/json.ts";
import {
  type InvocationResult,
  type Report,
  reportNames,
  reportSchema,
} from "../../model/invocation.ts";
import type { RawHttpRequest, RawHttpResponse } from "../../model/raw_http.ts";
import { hopHeaderNames } from "./hop_headers.ts";

/** Header with the report of a function's response; only other nodes receive it. */
export const reportHeader = "serverledge-report";

const headerSchema = v.omit(reportSchema, ["Result"]);

/**
 * Headers written by the HTTP client itself, settled with the function's client, or letting the
 * peer compress its own responses: this node's server compresses for the client.
 */
const droppedRequestHeaders: ReadonlySet<string> = new Set([
  "accept-encoding",
  "content-length",
  "expect",
]);
/** Headers written by the server itself, or meant for other nodes. */
const droppedResponseHeaders: ReadonlySet<string> = new Set([
  "content-length",
  "date",
  "serverledge-free-cpu",
  "serverledge-free-mem",
  reportHeader,
]);

/**
 * Checks whether a request can be forwarded as received: the response to `HEAD` has no body in
 * which a peer could explain a rejection.
 */
export function isForwardable(
  request: RawHttpRequest | undefined,
): request is RawHttpRequest {
  return request !== undefined && request.method !== "HEAD";
}

/**
 * Creates the request for a peer.
 *
 * @param hop headers to add
 */
export function forwardedEvent(
  request: RawHttpRequest,
  hop: readonly HeaderPair[],
): HttpRequest {
  const headers = request.headers.filter(([name]) => !droppedRequestHeaders.has(name));
  return {
    method: request.method,
    path: request.target,
    headers: [...headers, ...hop],
    body: request.body,
  };
}

/** Creates the header that distinguishes a function's response from one of the node. */
export function reportHeaderOf(report: Report): [string, string] {
  const { Result: _, ...rest } = reportNames.toWire({ ...report, result: "" });
  const text = JSON.stringify(rest).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [reportHeader, text];
}

/**
 * Reads a function's response.
 *
 * @returns the report and the response; undefined if it is the peer's own
 */
export function readEventResponse(
  { status, headers, body }: HttpResponse,
): InvocationResult | undefined {
  const text = headers.find(([name]) => name === reportHeader)?.[1];
  if (text === undefined) return undefined;
  const report = v.safeParse(headerSchema, jsonOf(text));
  if (!report.success) return undefined;
  return {
    report: reportNames.fromWire({ ...report.output, Result: "" }),
    response: functionResponse({ status, headers, body }),
  };
}

/** Removes the headers of the server, and those for nodes, from a function's response. */
export function functionResponse({ status, headers, body }: RawHttpResponse): RawHttpResponse {
  const passes = passesOn(headers.find(([name]) => name === "connection")?.[1]);
  const passed = headers.filter(([name]) =>
    passes(name) && !droppedResponseHeaders.has(name) && !hopHeaderNames.has(name)
  );
  return { status, headers: passed, body };
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
