/**
 * HTTP responses for errors: `{ "code", "message", ...details }` with the status of the code.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Logger, logger } from "../base/log.ts";
import type { HeaderPair } from "../http/head.ts";
import { KnownResponse } from "../http/server/web.ts";
import { jsonType } from "./headers.ts";

/** Default of `Retry-After`, s. */
const defaultRetryAfterS = 1;

/**
 * Returns the response for an error. A 429 has a `Retry-After` header: `retryAfterS` of the details of
 * the error, or 1 s.
 *
 * @param error error
 * @param headers headers of the response, including the content type
 */
export function errorAnswer(
  error: ServerledgeError,
  headers: readonly HeaderPair[] = [jsonType],
): KnownResponse {
  const { status, code, message, details } = error;
  const more: HeaderPair[] = [...headers];
  if (status === 429) more.push(["retry-after", String(retryAfterS(details?.retryAfterS))]);
  if (code === "UNAUTHORIZED") more.push(["www-authenticate", "Bearer"]);
  if (code === "METHOD_NOT_ALLOWED" && Array.isArray(details?.allow)) {
    more.push(["allow", details.allow.join(", ")]);
  }
  // Code and message come first, and no detail can override them.
  const body = Object.assign({ code, message }, details, { code, message });
  return new KnownResponse(`${JSON.stringify(body)}\n`, status, more, undefined, code);
}

function retryAfterS(value: unknown): number {
  return typeof value === "number" && value > 0 ? Math.ceil(value) : defaultRetryAfterS;
}

/**
 * Returns the coded error for a thrown value. Any other value is a defect: it is logged with its
 * stack, and the client receives only `INTERNAL`.
 *
 * @param thrown caught value
 * @param log logger for defects
 */
export function codedError(thrown: unknown, log: Logger = logger("api")): ServerledgeError {
  if (thrown instanceof ServerledgeError) return thrown;
  log.error("Unexpected error while handling a request: {error}", { error: thrown });
  return new ServerledgeError(
    "INTERNAL",
    "Unexpected error in the node; see its log for details",
    { cause: thrown },
  );
}
