/**
 * Requests to functions over plain HTTP between nodes: they go to the peer's same route as they
 * came, and the function's answer comes back as it is, with the report as a header. An answer without
 * that header is the peer's own.
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
  reportFromWire,
  reportSchema,
  reportToWire,
} from "../../model/invocation.ts";
import type { PageAnswer, PageRequest } from "../../model/page.ts";

/** Header with the report of a function's answer; only other nodes get it. */
export const reportHeader = "serverledge-report";

const headerSchema = v.omit(reportSchema, ["Result"]);

/**
 * What the HTTP client writes itself, what was settled with the function's client, and what would let
 * the peer compress its own words: this node's server compresses for the client.
 */
const ownOfRequests: ReadonlySet<string> = new Set(["accept-encoding", "content-length", "expect"]);
/** What the server writes itself, and what is between nodes. */
const ownOfAnswers: ReadonlySet<string> = new Set([
  "content-length",
  "date",
  "serverledge-free-cpu",
  "serverledge-free-mem",
  reportHeader,
]);

/**
 * Whether a request can go on as it came: the answer to `HEAD` has no body in which a peer could say
 * why it does not take it.
 *
 * @param page the request
 */
export function goesAsItCame(page: PageRequest | undefined): page is PageRequest {
  return page !== undefined && page.method !== "HEAD";
}

/**
 * The request as a peer gets it.
 *
 * @param page as it came
 * @param hop headers that go with it
 */
export function pageRequest(page: PageRequest, hop: readonly HeaderPair[]): HttpRequest {
  const headers = page.headers.filter(([name]) => !ownOfRequests.has(name));
  return { method: page.method, path: page.target, headers: [...headers, ...hop], body: page.body };
}

/**
 * The header that tells a function's answer from one of the node.
 *
 * @param report of the invocation
 */
export function reportPair(report: Report): [string, string] {
  const { Result: _, ...rest } = reportToWire({ ...report, result: "" });
  const text = JSON.stringify(rest).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [reportHeader, text];
}

/**
 * Reads a function's answer.
 *
 * @param answer of a peer
 * @returns the report and the answer; undefined if it is the peer's own
 */
export function pageReport({ status, headers, body }: HttpResponse): InvocationResult | undefined {
  const text = headers.find(([name]) => name === reportHeader)?.[1];
  if (text === undefined) return undefined;
  const report = v.safeParse(headerSchema, jsonOf(text));
  if (!report.success) return undefined;
  return {
    report: reportFromWire({ ...report.output, Result: "" }),
    response: functionPage({ status, headers, body }),
  };
}

/**
 * A function's answer without what is its server's to say.
 *
 * @param answer as it came
 */
export function functionPage({ status, headers, body }: PageAnswer): PageAnswer {
  const passes = passesOn(headers.find(([name]) => name === "connection")?.[1]);
  const passed = headers.filter(([name]) => passes(name) && !ownOfAnswers.has(name));
  return { status, headers: passed, body };
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
