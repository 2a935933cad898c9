/**
 * What is told of an invocation when it ends: the client's report, its error, and the record for
 * metrics and logs.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { Report } from "../model/invocation.ts";
import type { StartTier } from "../model/start_tier.ts";
import type { Outcome, RequestFacts } from "../policy/contract.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Execution, Invocation } from "./invocation.ts";
import type { InvocationEnd, Place } from "./observer.ts";

/** Who a node is. */
export interface NodeName {
  /** Its id. */
  readonly id: string;
  /** Its area. */
  readonly area: string;
}

/**
 * The report of a successful invocation.
 *
 * @param now when it ended, on the node's clock
 */
export function reportOf(
  invocation: Invocation,
  reply: Reply & { ok: true },
  now: number,
  node: NodeName,
): Report {
  const { arrivedAt, execution } = invocation;
  const { startedAt, cold } = execution!;
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
    startTier: tierOf(execution!),
  };
}

/**
 * What the policy is told of a request.
 *
 * @param now on the node's clock
 * @param maxAttempts most nodes that it is sent to
 * @param waited true if it waits in the queue
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
    functionName: record.Name,
    memoryMib: record.MemoryMB,
    cpu: record.CPUDemand,
    qosClass,
    budgetMs: answerBy - now,
    inputSize: invocation.inputSize,
    canOffload: (request.CanDoOffloading || hop !== undefined) && hopsLeft > 0 &&
      tried < maxAttempts,
    waited,
    forwarded: hop !== undefined,
  };
}

/**
 * What the policy is told of a request's end.
 *
 * @param now when it ended, on the node's clock
 */
export function outcomeOf(invocation: Invocation, end: InvocationEnd, now: number): Outcome {
  const { execution, absence, arrivedAt } = invocation;
  const report = absence?.report;
  return {
    place: end.place,
    inTime: end.inTime,
    responseMs: end.responseMs,
    code: end.outcome,
    node: absence?.node ?? "",
    executionMs: execution ? end.executionMs : report ? report.durationS * 1000 : NaN,
    delayMs: execution ? execution.startedAt - arrivedAt : report ? report.initTimeS * 1000 : NaN,
    cold: execution?.cold ?? (report ? !report.isWarmStart : false),
    wayMs: report && absence ? now - absence.sentAt - report.responseTimeS * 1000 : NaN,
    awayMs: absence ? now - absence.sentAt : NaN,
  };
}

/** The error of an invocation whose function failed. */
export function failureOf(reply: Reply & { ok: false }): ServerledgeError {
  const { type, message, traceback } = reply.failure;
  return new ServerledgeError("FUNCTION_ERROR", message ? `${type}: ${message}` : type, {
    details: { error: { type, message }, traceback, output: reply.output },
  });
}

/**
 * The record of an invocation's end.
 *
 * @param now when it ended, on the node's clock
 * @param error why it failed, if it did
 * @param reply what the function answered, if it did
 */
export function describeEnd(
  invocation: Invocation,
  now: number,
  error: ServerledgeError | undefined,
  reply: Reply | undefined,
): InvocationEnd {
  const { id, record, qosClass, arrivedAt, answerBy, execution } = invocation;
  return {
    id,
    functionName: record.Name,
    qosClass: qosClass.name,
    place: placeOf(invocation),
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

function placeOf({ execution, absence }: Invocation): Place {
  if (execution) return "local";
  return absence ? absence.isCloud ? "cloud" : "edge" : "nowhere";
}

function tierOf({ cold, lease }: Execution): StartTier {
  return cold ? lease.instance.tier : "warm";
}

/**
 * Time in the queue, ms: neither the start of an instance, nor the execution, nor a stay on another
 * node. Whoever ends before it ran, and was admitted because a start could be made, waited for that.
 */
function waitOf({ queuedAt, waitedMs, promised, execution }: Invocation, now: number): number {
  if (queuedAt === undefined) return waitedMs;
  if (!execution) return promised ? waitedMs : waitedMs + now - queuedAt;
  const { cold, lease, startedAt } = execution;
  return waitedMs + Math.max(0, (cold ? lease.startedAt : startedAt) - queuedAt);
}

/** Milliseconds as seconds, to the microsecond. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1e6;
}
