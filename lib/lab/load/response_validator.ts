/**
 * Validation of responses: outcome, message of a failure, and the fields of a Serverledge report.
 *
 * @module
 */

import { isObject, tryParseObject } from "../../json/json.ts";
import { type StartTier, startTiers } from "../../model/start_tier.ts";

/** Outcome of a successful request. */
export const okOutcome = "ok";
/** Outcome of a successful response with other content than expected. */
export const unexpectedOutcome = "unexpected_answer";

/** Fields of an invocation's report; times in ms. */
export interface ReportFields {
  /** Node that executed it. */
  readonly node: string;
  readonly area: string;
  /** Start tier; nodes of older versions report only `warm` and `cold`. */
  readonly tier: string;
  /** Execution time in the instance. */
  readonly executionMs: number;
  /** Time from arrival to the start of the execution. */
  readonly initMs: number;
  /** Time in the wait queue. */
  readonly queueingMs: number;
  /** Latency of offloading. */
  readonly offloadMs: number;
}

/** Result of a validation. */
export interface Validation {
  /** {@link okOutcome}, an error code of the node, `http_500`, and the like. */
  readonly outcome: string;
  /** Message of a failure. */
  readonly message?: string;
  /** Report of a successful invocation. */
  readonly report?: ReportFields;
}

/** Validates a response. The body is valid only during the call. */
export type ResponseValidator = (status: number, body: Uint8Array) => Validation;

/** Maximum length of a message kept, characters. */
const maxMessage = 300;

const decoder = new TextDecoder();
const okValidation: Validation = { outcome: okOutcome };

/** Validates a response by its status alone. */
export function validateStatus(status: number): Validation {
  return status >= 200 && status < 300 ? okValidation : { outcome: `http_${status}` };
}

/**
 * Creates a validator for any server.
 *
 * @param expected text that a response must contain
 */
export function plainValidator(expected: string): ResponseValidator {
  return (status, body) => {
    const validation = validateStatus(status);
    if (validation !== okValidation || decoder.decode(body).includes(expected)) return validation;
    return { outcome: unexpectedOutcome };
  };
}

/**
 * Creates a validator for responses of a node or balancer to `POST /invoke/:fun`.
 *
 * @param expected result that the function must return, as JSON or as text; undefined if any
 */
export function invocationValidator(expected?: string): ResponseValidator {
  const isExpected = expected === undefined ? () => true : resultMatcher(expected);
  return (status, body) => {
    const response = tryParseObject(body);
    if (status !== 200) return failure(response, `http_${status}`);
    if (!response) return { outcome: "bad_answer" };
    if (response.Success !== true) return failure(response, "FUNCTION_ERROR");
    const outcome = isExpected(response.Result) ? okOutcome : unexpectedOutcome;
    return { outcome, report: fieldsOf(response) };
  };
}

/** Describes a failure by the node's code and message, or by a default outcome. */
function failure(response: Record<string, unknown> | undefined, fallback: string): Validation {
  const message = response?.message ?? response?.Message;
  return {
    outcome: codeOf(response) ?? fallback,
    ...(typeof message === "string" && { message: message.slice(0, maxMessage) }),
  };
}

/** A node's own errors have `code`, reports of failed invocations `Code`. */
function codeOf(response: Record<string, unknown> | undefined): string | undefined {
  const code = response?.code ?? response?.Code;
  return typeof code === "string" && /^[A-Z_]{1,40}$/.test(code) ? code : undefined;
}

function fieldsOf(report: Record<string, unknown>): ReportFields {
  const text = (value: unknown) => typeof value === "string" ? value : "";
  const ms = (seconds: unknown) => typeof seconds === "number" ? seconds * 1000 : 0;
  return {
    node: text(report.ExecutionNode),
    area: text(report.ExecutionArea),
    tier: tierOf(report),
    executionMs: ms(report.Duration),
    initMs: ms(report.InitTime),
    queueingMs: ms(report.QueueingTime),
    offloadMs: ms(report.OffloadLatency),
  };
}

function tierOf({ IsWarmStart, StartTier }: Record<string, unknown>): string {
  if (startTiers.some((tier) => tier === StartTier)) return StartTier as StartTier;
  return IsWarmStart === true ? "warm" : "cold";
}

/** Compares results as JSON values, so that white space and the order of keys do not matter. */
function resultMatcher(expected: string): (result: unknown) => boolean {
  const wanted = canonical(expected) ?? JSON.stringify(expected);
  let lastGood: unknown;
  return (result) => {
    if (result === lastGood) return true;
    if (typeof result !== "string") return false;
    const isGood = result === expected || canonical(result) === wanted;
    if (isGood) lastGood = result;
    return isGood;
  };
}

/** Returns JSON without white space and with sorted keys; undefined if the text is not JSON. */
function canonical(text: string): string | undefined {
  try {
    return JSON.stringify(
      JSON.parse(text),
      (_, value) =>
        isObject(value)
          ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
          : value,
    );
  } catch {
    return undefined;
  }
}
