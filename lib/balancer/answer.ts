/**
 * What a node's answer says about the request: whether it may be sent elsewhere, and how long the
 * function took.
 *
 * @module
 */

import { type ErrorCode, errorCodes, ServerledgeError } from "../base/errors.ts";
import type { HttpResponse } from "../http/client.ts";
import { tryParseObject } from "../json/json.ts";

/**
 * The error that an answer carries.
 *
 * @param answer a node's own, not one that a function may have written
 * @returns undefined if it carries none
 */
export function errorIn(answer: HttpResponse): ServerledgeError | undefined {
  if (answer.status < 400) return undefined;
  const { code, message, ...details } = jsonIn(answer) ?? {};
  if (!errorCodes.includes(code as ErrorCode)) return undefined;
  return new ServerledgeError(code as ErrorCode, String(message), { details });
}

/** What a report says that can be learnt from. */
export interface Execution {
  /** Id of the node that executed the function. */
  readonly node: string;
  /** How long it took, ms. */
  readonly durationMs: number;
}

/**
 * The execution that an answer reports.
 *
 * @param answer to an invocation
 * @returns undefined if it reports none, as with an async one, or one that began cold
 */
export function warmExecutionIn(answer: HttpResponse): Execution | undefined {
  if (answer.status !== 200) return undefined;
  const { Duration, IsWarmStart, ExecutionNode } = jsonIn(answer) ?? {};
  if (IsWarmStart !== true || typeof Duration !== "number" || !(Duration > 0)) return undefined;
  return { node: String(ExecutionNode), durationMs: Duration * 1000 };
}

/** The object in an answer; streams are too long to be looked at. */
function jsonIn({ body }: HttpResponse): Record<string, unknown> | undefined {
  if (!(body instanceof Uint8Array)) return undefined;
  return tryParseObject(body);
}
