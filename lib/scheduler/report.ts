/**
 * Makes the report and the error of an invocation for its client, and the outcome for metrics, logs and
 * policies.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { Report } from "../model/invocation.ts";
import type { StartTier } from "../model/start_tier.ts";
import type { Outcome, RequestFacts } from "../policy/contract.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationOutcome, Place } from "./observer.ts";
import type { Offloaded, OpenState, Running } from "./state.ts";

/** Identity of a node. */
export interface NodeName {
  readonly id: string;
  readonly area: string;
}

/**
 * Report of a successful invocation.
 *
 * @param now its end on the node's clock
 */
export function reportOf(
  invocation: Invocation,
  running: Running,
  reply: Reply & { ok: true },
  now: number,
  node: NodeName,
): Report {
  const { arrivedAt } = invocation;
  const { startedAt, cold } = running;
  return {
    success: true,
    result: reply.result,
    responseTimeS: seconds(now - arrivedAt),
    isWarmStart: !cold,
    initTimeS: seconds(startedAt - arrivedAt),
    queueingTimeS: seconds(waitOf(invocation, now)),
    offloadLatencyS: 0,
    durationS: seconds(now - startedAt),
    output: reply.output,
    executionArea: node.area,
    executionNode: node.id,
    startTier: tierOf(running),
  };
}

/**
 * Returns the facts of a request for the policy.
 *
 * @param now on the node's clock
 * @param maxAttempts maximum number of nodes to which the request is offloaded
 * @param waited true if it is in the wait queue
 */
export function factsOf(
  invocation: Invocation,
  now: number,
  maxAttempts: number,
  waited = false,
): RequestFacts {
  const { record, request, qosClass, answerBy, hop, hopsLeft, visited } = invocation;
  const tried = visited.length - (hop?.visited.length ?? 0);
  return {
    id: invocation.id,
    functionName: record.name,
    memoryMib: record.memoryMib,
    cpu: record.cpu,
    qosClass,
    budgetMs: answerBy - now,
    inputSize: invocation.inputSize,
    canOffload: (request.canOffload || hop !== undefined) && hopsLeft > 0 &&
      tried < maxAttempts,
    waited,
    forwarded: hop !== undefined,
  };
}

/**
 * Outcome of a request for the policy.
 *
 * @param now its end on the node's clock
 */
export function policyOutcome(
  invocation: Invocation,
  end: InvocationOutcome,
  now: number,
): Outcome {
  const { arrivedAt, lastState } = invocation;
  return {
    place: end.place,
    inTime: end.inTime,
    responseMs: end.responseMs,
    code: end.outcome,
    ...nowhereOutcome,
    ...(lastState.kind === "running" && {
      executionMs: end.executionMs,
      delayMs: lastState.startedAt - arrivedAt,
      cold: lastState.cold,
    }),
    ...(lastState.kind === "offloaded" && offloadedOutcome(lastState, now)),
  };
}

const nowhereOutcome = {
  node: "",
  executionMs: NaN,
  delayMs: NaN,
  cold: false,
  networkMs: NaN,
  remoteTotalMs: NaN,
};

function offloadedOutcome({ node, sentAt, report }: Offloaded, now: number) {
  const remoteTotalMs = now - sentAt;
  return {
    node,
    remoteTotalMs,
    ...(report && {
      executionMs: report.durationS * 1000,
      delayMs: report.initTimeS * 1000,
      cold: !report.isWarmStart,
      networkMs: remoteTotalMs - report.responseTimeS * 1000,
    }),
  };
}

/** Error of an invocation whose function failed. */
export function failureOf(reply: Reply & { ok: false }): ServerledgeError {
  const { type, message, traceback } = reply.failure;
  return new ServerledgeError("FUNCTION_ERROR", message ? `${type}: ${message}` : type, {
    details: { error: { type, message }, traceback, output: reply.output },
  });
}

/**
 * Outcome of an invocation for metrics and logs.
 *
 * @param now its end on the node's clock
 * @param error undefined if it succeeded
 * @param reply of the function, if it ran here
 */
export function outcomeRecord(
  invocation: Invocation,
  now: number,
  error: ServerledgeError | undefined,
  reply: Reply | undefined,
): InvocationOutcome {
  const { id, record, qosClass, arrivedAt, answerBy, lastState } = invocation;
  const execution = lastState.kind === "running" ? lastState : undefined;
  return {
    id,
    functionName: record.name,
    caller: invocation.callers.at(-1) ?? "",
    qosClass: qosClass.name,
    place: placeOf(lastState),
    offloadForbidden: invocation.offloadForbidden,
    inTime: !error && now <= answerBy,
    outcome: error ? error.code : "OK",
    message: error ? error.message : "",
    cold: execution?.cold ?? false,
    tier: execution && tierOf(execution),
    startMs: execution?.cold ? execution.lease.readyAt - execution.lease.startedAt : 0,
    waitMs: waitOf(invocation, now),
    executionMs: execution ? now - execution.startedAt : 0,
    responseMs: now - arrivedAt,
    resultSize: reply?.ok ? reply.result.length : 0,
    traceback: reply?.ok === false ? reply.failure.traceback : "",
  };
}

function placeOf(state: OpenState): Place {
  if (state.kind === "running") return "local";
  if (state.kind === "offloaded") return state.isCloud ? "cloud" : "edge";
  return "nowhere";
}

function tierOf({ cold, lease }: Running): StartTier {
  return cold ? lease.instance.tier : "warm";
}

/**
 * Returns the time in the queue, ms, without the start of an instance, the execution and the time on
 * other nodes. An invocation that was admitted because an instance could be started, and never ran,
 * waited for that start only, which does not count.
 */
function waitOf({ waitedMs, lastState }: Invocation, now: number): number {
  if (lastState.kind === "queued") return waitedMs + now - lastState.since;
  if (lastState.kind !== "running" || lastState.queuedAt === undefined) return waitedMs;
  const { cold, lease, startedAt, queuedAt } = lastState;
  return waitedMs + Math.max(0, (cold ? lease.startedAt : startedAt) - queuedAt);
}

/** Converts milliseconds to seconds, rounded to the microsecond. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1e6;
}
