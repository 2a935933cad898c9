/**
 * What an answer means: good, or which failure; and what a Serverledge report tells besides.
 *
 * @module
 */

import { isObject, tryParseObject } from "../../json/json.ts";
import { type StartTier, startTiers } from "../../model/start_tier.ts";

/** What an outcome is called that is good. */
export const good = "ok";
/** An answer with success and another content than expected. */
export const unexpected = "unexpected_answer";

/** What a report tells of an invocation; times in ms. */
export interface ReportFacts {
  /** Node that ran it. */
  readonly node: string;
  /** Area of that node. */
  readonly area: string;
  /** Start tier: `warm`, or what had to be started; an older node tells `cold` for all of these. */
  readonly tier: string;
  /** Execution in the instance. */
  readonly executionMs: number;
  /** Arrival to the start of the execution. */
  readonly initMs: number;
  /** In the wait queue. */
  readonly queueingMs: number;
  /** What sending it to another node cost. */
  readonly offloadMs: number;
}

/** What an answer means. */
export interface Verdict {
  /** {@link good}, or what went wrong: an error code of the node, `http_500`, and the like. */
  readonly outcome: string;
  /** What the node says of a failure. */
  readonly message?: string;
  /** Of an invocation that ended well. */
  readonly report?: ReportFacts;
}

/** Tells what an answer means. The body is valid during the call only. */
export type Judge = (status: number, body: Uint8Array) => Verdict;

/** Most of a failure's message that is kept. */
const maxMessage = 300;

const decoder = new TextDecoder();
const goodVerdict: Verdict = { outcome: good };

/**
 * What a status means where the body does not matter.
 *
 * @param status of an HTTP answer
 */
export function judgeStatus(status: number): Verdict {
  return status >= 200 && status < 300 ? goodVerdict : { outcome: `http_${status}` };
}

/**
 * Judges the answers of any server.
 *
 * @param expected what a good answer contains
 */
export function plainJudge(expected: string): Judge {
  return (status, body) => {
    const verdict = judgeStatus(status);
    if (verdict !== goodVerdict || decoder.decode(body).includes(expected)) return verdict;
    return { outcome: unexpected };
  };
}

/**
 * Judges the answers of a node or balancer to `POST /invoke/:fun`.
 *
 * @param expected what the function must return, as JSON text or as the text that it returns;
 *   undefined: anything
 */
export function invokeJudge(expected?: string): Judge {
  const isExpected = expected === undefined ? () => true : resultMatcher(expected);
  return (status, body) => {
    const answer = tryParseObject(body);
    if (status !== 200) return failure(answer, `http_${status}`);
    if (!answer) return { outcome: "bad_answer" };
    if (answer.Success !== true) return failure(answer, "FUNCTION_ERROR");
    const outcome = isExpected(answer.Result) ? good : unexpected;
    return { outcome, report: factsOf(answer) };
  };
}

/** A failure as the node tells it; without a code of its own it is called as given. */
function failure(answer: Record<string, unknown> | undefined, name: string): Verdict {
  const message = answer?.message ?? answer?.Message;
  return {
    outcome: codeOf(answer) ?? name,
    ...(typeof message === "string" && { message: message.slice(0, maxMessage) }),
  };
}

/** A node's own errors have `code`, reports of failed invocations `Code`. */
function codeOf(answer: Record<string, unknown> | undefined): string | undefined {
  const code = answer?.code ?? answer?.Code;
  return typeof code === "string" && /^[A-Z_]{1,40}$/.test(code) ? code : undefined;
}

function factsOf(report: Record<string, unknown>): ReportFacts {
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

/** A result is JSON text: it is compared as a value, so that spaces do not matter. */
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

/** JSON without spaces and with sorted keys; undefined if it is none. */
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
