/**
 * Errors as HTTP answers: `{ "code", "message", ...details }` with the status of the code.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Logger, logger } from "../base/log.ts";
import type { HeaderPair } from "../http/head.ts";
import type { KnownResponse } from "../http/server/web.ts";
import { jsonAnswer, jsonType } from "./headers.ts";

/** What `Retry-After` says where the error does not know better, s. */
const defaultRetryAfterS = 1;

/**
 * The answer that carries an error. A 429 says when to try again: after `retryAfterS` of the
 * error's details, or a second.
 *
 * @param error what went wrong
 * @param headers headers of the answer, the content type included
 */
export function errorAnswer(
  error: ServerledgeError,
  headers: readonly HeaderPair[] = [jsonType],
): KnownResponse {
  const { status, code, message, details } = error;
  const more: HeaderPair[] = [...headers];
  if (status === 429) more.push(["retry-after", String(retryAfterS(details?.retryAfterS))]);
  if (code === "METHOD_NOT_ALLOWED" && Array.isArray(details?.allow)) {
    more.push(["allow", details.allow.join(", ")]);
  }
  // Code and message come first, and no detail can take their place.
  const body = Object.assign({ code, message }, details, { code, message });
  return jsonAnswer(body, status, more);
}

function retryAfterS(value: unknown): number {
  return typeof value === "number" && value > 0 ? Math.ceil(value) : defaultRetryAfterS;
}

/**
 * The coded error for anything thrown. What is not coded is a defect: it goes to the log with its
 * stack, and the client learns only that it happened.
 *
 * @param thrown what was caught
 * @param log where surprises go
 */
export function codedError(thrown: unknown, log: Logger = logger("api")): ServerledgeError {
  if (thrown instanceof ServerledgeError) return thrown;
  log.error("Unexpected error while answering a request: {error}", { error: thrown });
  return new ServerledgeError(
    "INTERNAL",
    "Unexpected error in the node; its log has the particulars",
    { cause: thrown },
  );
}
