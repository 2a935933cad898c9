/**
 * What requests are told that are not run.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { Locality } from "../model/locality.ts";
import { type Shortage, shortageInWords } from "../pool/shortage.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";

/** There is no such function. */
export function functionUnknown(name: string): ServerledgeError {
  return new ServerledgeError("FUNCTION_UNKNOWN", `There is no function "${name}"`, {
    details: { path: "fun" },
  });
}

/**
 * Its parameters have an integer that the function's language would change.
 *
 * @param record the function
 * @param request what was sent
 * @param keeps whether the function gets integers beyond 2^53 as they were sent
 * @returns undefined if there is none
 */
export function unheldInteger(
  record: FunctionRecord,
  { params: { largeInteger: path } }: Pick<InvokeRequest, "params">,
  keeps: (record: FunctionRecord) => boolean,
): ServerledgeError | undefined {
  if (path === undefined || keeps(record)) return undefined;
  const message = `${path}: an integer beyond 2^53, which the runtime ${record.Runtime} of ` +
    `"${record.Name}" cannot hold exactly; send it as a string`;
  return new ServerledgeError("UNPROCESSABLE", message, { details: { path } });
}

/** Its client has disconnected. */
export function clientLeft(): ServerledgeError {
  return new ServerledgeError("CANCELLED", "The client left before the answer");
}

/** The node takes no more requests. */
export function shuttingDown(): ServerledgeError {
  return new ServerledgeError("SHUTTING_DOWN", "The node is stopping; ask another one");
}

/** Its time is up. */
export function deadlineExceeded(message: string): ServerledgeError {
  return new ServerledgeError("DEADLINE_EXCEEDED", message);
}

/**
 * It was interrupted.
 *
 * @param reply what the function had done by then, if it has ended already
 */
export function executionTimeout(reply?: Reply & { ok: false }): ServerledgeError {
  const message = "The function ran into its deadline";
  if (!reply) return deadlineExceeded(message);
  const { failure: { traceback }, output } = reply;
  return new ServerledgeError("DEADLINE_EXCEEDED", message, { details: { traceback, output } });
}

/** Another node sent it where its data must not be. */
export function localityForbids(name: string, area: string): ServerledgeError {
  const message = `"${name}" or its request does not allow its data in area ${area}`;
  return new ServerledgeError("FORBIDDEN", message, { details: { path: "Locality" } });
}

/** It came a second time; the first may be running, or have run. */
export function repeated(id: string): ServerledgeError {
  return new ServerledgeError("REQUEST_REPEATED", `Request ${id} was taken before`);
}

/**
 * Its time was up before it could run.
 *
 * @param invocation what it is
 * @param shortage what kept it from running; undefined if an instance for it was being started
 */
export function queueTimeout(
  invocation: Pick<Invocation, "offloadForbidden" | "record" | "request">,
  shortage: Shortage | undefined,
): ServerledgeError {
  const message = shortage
    ? "It waited for a free instance until its deadline: " +
      shortageInWords(shortage, invocation.record)
    : "An instance for it was still starting at its deadline";
  return deadlineExceeded(message + confinement(invocation));
}

/** What kept a request from other nodes by its own wish or its function's. */
function confinement(
  { offloadForbidden, record, request }: Pick<
    Invocation,
    "offloadForbidden" | "record" | "request"
  >,
): string {
  if (offloadForbidden) {
    return ". Other nodes were not asked: its CanDoOffloading is false, as sent or by offload.default";
  }
  const isFree = record.Locality === "any" && request.locality === "any";
  return isFree ? "" : `. Its data may not go everywhere: ${localities(record, request)}`;
}

function localities(
  record: Pick<Invocation["record"], "Locality">,
  request: Pick<Invocation["request"], "locality">,
): string {
  return `locality of the function ${inWords(record.Locality)}, of the request ${
    inWords(request.locality)
  }`;
}

/** Why a policy may refuse a request. */
export type RejectionCode = "NODE_SATURATED" | "NO_SUITABLE_NODE";

function inWords(locality: Locality): string {
  return Array.isArray(locality) ? locality.join(" or ") : String(locality);
}

/** How a node is that its policy lets take no more requests. */
export interface NodeState {
  /** Requests that may wait, if as many do. */
  readonly fullQueue: number | undefined;
  /** What keeps the request from running. */
  readonly shortage: Shortage;
  /** Memory for instances, MiB, and CPUs. */
  readonly total: { readonly memoryMib: number; readonly cpu: number };
}

/**
 * The policy refused it.
 *
 * @param request what it is, and why another node did not take it, if it was sent to one
 * @param node how it is
 */
export function rejection(
  code: RejectionCode,
  invocation: Pick<
    Invocation,
    "record" | "request" | "refusal" | "answerBy" | "offloadForbidden"
  >,
  node: NodeState,
): ServerledgeError {
  const { refusal } = invocation;
  const message = code === "NO_SUITABLE_NODE"
    ? unsuitable(invocation, node.total)
    : busy(invocation, node) + confinement(invocation);
  const other = refusal && { code: refusal.code, message: refusal.message };
  return new ServerledgeError(code, message, other && { details: { otherNode: other } });
}

function unsuitable(
  { record, request }: Pick<Invocation, "record" | "request">,
  { memoryMib, cpu }: NodeState["total"],
): string {
  const has = (amount: number, key: string) =>
    `, and this node has ${amount} for instances (${key})`;
  const memory = record.MemoryMB > memoryMib ? has(memoryMib, "container.pool.memory") : "";
  const cpus = record.CPUDemand > cpu ? has(cpu, "container.pool.cpus") : "";
  return `No node can run "${record.Name}": it asks for ${record.MemoryMB} MiB of memory${memory}` +
    `${memory ? ". It asks also for " : ", "}${record.CPUDemand} CPUs${cpus}` +
    `${cpus ? ". It asks also for " : ", "}${
      record.SupportedArchs.join(" or ") || "any architecture"
    }, ${localities(record, request)}`;
}

function busy(
  { record, answerBy }: Pick<Invocation, "record" | "answerBy">,
  { fullQueue, shortage }: NodeState,
): string {
  const lack = shortageInWords(shortage, record);
  if (fullQueue === 0) {
    return `The node is busy, and no request may wait (scheduler.queue.capacity is 0): ${lack}; ` +
      "try again later";
  }
  if (fullQueue !== undefined) {
    return `The node is busy, and ${fullQueue} requests wait, as many as may ` +
      `(scheduler.queue.capacity): ${lack}; try again later`;
  }
  return answerBy < Infinity
    ? "The node is busy, and its policy does not let it wait within the request's limit: " +
      `${lack}; try again later, or with a larger QoSMaxRespT`
    : `The node is busy and has no place for it now: ${lack}; try again later`;
}
