/**
 * Interprets a node's response: whether the request may be retried elsewhere, and how long the
 * function took.
 *
 * @module
 */

import { type ErrorCode, errorCodes, ServerledgeError } from "../base/errors.ts";
import type { HttpResponse } from "../http/client.ts";
import { tryParseObject } from "../json/json.ts";

/**
 * Returns the coded error in a response.
 *
 * @param response of the node itself, not of a function
 * @returns undefined if it has none
 */
export function codedErrorIn(response: HttpResponse): ServerledgeError | undefined {
  if (response.status < 400) return undefined;
  const { code, message, ...details } = jsonIn(response) ?? {};
  if (!errorCodes.includes(code as ErrorCode)) return undefined;
  return new ServerledgeError(code as ErrorCode, String(message), { details });
}

/** A warm execution to learn from. */
export interface Execution {
  readonly node: string;
  readonly durationMs: number;
}

/**
 * Returns the execution that a response reports.
 *
 * @returns undefined without a report, as for asynchronous invocations, or after a cold start
 */
export function warmExecutionIn(response: HttpResponse): Execution | undefined {
  if (response.status !== 200) return undefined;
  const { Duration, IsWarmStart, ExecutionNode } = jsonIn(response) ?? {};
  if (IsWarmStart !== true || typeof Duration !== "number" || !(Duration > 0)) return undefined;
  return { node: String(ExecutionNode), durationMs: Duration * 1000 };
}

/** The JSON object in a response; streams are not read. */
function jsonIn({ body }: HttpResponse): Record<string, unknown> | undefined {
  if (!(body instanceof Uint8Array)) return undefined;
  return tryParseObject(body);
}
