/**
 * Errors of requests that do not run, or are interrupted.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { Locality } from "../model/locality.ts";
import { quantity } from "../base/quantity.ts";
import { type Shortage, shortageInWords } from "../pool/shortage.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";
import type { Mismatch } from "./view.ts";

/**
 * Checks whether the parameters have an integer that the function's language cannot represent.
 *
 * @param keeps returns whether the function receives integers beyond 2^53 unchanged
 * @returns the error, or undefined if there is no such integer
 */
export function inexactInteger(
  record: FunctionRecord,
  { params: { largeInteger: path } }: Pick<InvokeRequest, "params">,
  keeps: (record: FunctionRecord) => boolean,
): ServerledgeError | undefined {
  if (path === undefined || keeps(record)) return undefined;
  const message = `${path}: the integer is beyond 2^53, which the runtime ${record.runtime} of ` +
    `"${record.name}" cannot represent exactly; send it as a string`;
  return new ServerledgeError("UNPROCESSABLE", message, { details: { path } });
}

/** Error of a request whose client has disconnected. */
export function clientDisconnected(): ServerledgeError {
  return new ServerledgeError("CANCELLED", "The client disconnected before the response");
}

/** Error of a request to a node that is shutting down. */
export function shuttingDown(): ServerledgeError {
  return new ServerledgeError(
    "SHUTTING_DOWN",
    "The node is shutting down; send the request to another node",
  );
}

/** Error of a request whose deadline has passed. */
export function deadlineExceeded(message: string): ServerledgeError {
  return new ServerledgeError("DEADLINE_EXCEEDED", message);
}

/**
 * Error of a request whose execution was interrupted.
 *
 * @param reply of the function, if it has ended already
 */
export function executionTimeout(reply?: Reply & { ok: false }): ServerledgeError {
  const message = "The function was interrupted at its deadline";
  if (!reply) return deadlineExceeded(message);
  const { failure: { traceback }, output } = reply;
  return new ServerledgeError("DEADLINE_EXCEEDED", message, { details: { traceback, output } });
}

/** Error of a request that another node forwarded to an area where its data must not be. */
export function localityViolation(name: string, area: string): ServerledgeError {
  const message = `The locality of "${name}" or of its request does not allow area ${area}`;
  return new ServerledgeError("FORBIDDEN", message, { details: { path: "Locality" } });
}

/** Error of a request that comes back to a node that has sent it to another. */
export function routingLoop(id: string, node: string): ServerledgeError {
  const message =
    `Request ${id} returned to node ${node}, which had offloaded it: another node is ` +
    `registered with the address of ${node}; set api.ip or api.url of that node to an ` +
    "address at which others reach it";
  return new ServerledgeError("PEER_DECLINED", message);
}

/** Error of a request that arrives a second time; the first may have run. */
export function duplicateRequest(id: string): ServerledgeError {
  return new ServerledgeError("REQUEST_REPEATED", `Request ${id} was received before`);
}

/**
 * Error of a request whose deadline passed in the queue.
 *
 * @param shortage missing resource that prevented its execution; undefined if its instance was starting
 */
export function queueTimeout(
  invocation: Pick<Invocation, "offloadForbidden" | "record" | "request">,
  shortage: Shortage | undefined,
): ServerledgeError {
  const message = shortage
    ? "The request waited for a free instance until its deadline: " +
      shortageInWords(shortage, invocation.record)
    : "An instance for the request was still starting at its deadline";
  return deadlineExceeded(message + exclusionReason(invocation));
}

/** Explains why other nodes were excluded: by the request's own setting or a locality. */
function exclusionReason(
  { offloadForbidden, record, request }: Pick<
    Invocation,
    "offloadForbidden" | "record" | "request"
  >,
): string {
  if (offloadForbidden) {
    return ". Other nodes were not considered, because CanDoOffloading of the request (or " +
      "offload.default) is false";
  }
  const isFree = record.locality === "any" && request.locality === "any";
  return isFree ? "" : `. Localities restrict where it may run: ${localities(record, request)}`;
}

function localities(
  record: Pick<Invocation["record"], "locality">,
  request: Pick<Invocation["request"], "locality">,
): string {
  return `locality of the function ${localityText(record.locality)}, of the request ${
    localityText(request.locality)
  }`;
}

/** Codes with which a policy may reject a request. */
export type RejectionCode = "NODE_SATURATED" | "NO_SUITABLE_NODE";

function localityText(locality: Locality): string {
  return Array.isArray(locality) ? locality.join(" or ") : String(locality);
}

/** State of a node whose policy rejects a request. */
export interface NodeState {
  /** Capacity of the queue if it is full. */
  readonly fullQueue: number | undefined;
  readonly shortage: Shortage;
  /** Memory for instances, MiB, and CPUs. */
  readonly total: { readonly memoryMib: number; readonly cpu: number };
  readonly area: string;
  readonly mismatch: Mismatch | undefined;
}

/**
 * Error of a request that the policy rejected.
 *
 * @param invocation includes the error of the last node that declined it
 */
export function rejection(
  code: RejectionCode,
  invocation: Pick<
    Invocation,
    "record" | "request" | "declineError" | "answerBy" | "offloadForbidden"
  >,
  node: NodeState,
): ServerledgeError {
  const { declineError } = invocation;
  const message = code === "NO_SUITABLE_NODE"
    ? unsuitableMessage(invocation, node)
    : saturatedMessage(invocation, node) + exclusionReason(invocation);
  const other = declineError && { code: declineError.code, message: declineError.message };
  return new ServerledgeError(code, message, other && { details: { otherNode: other } });
}

function unsuitableMessage(
  invocation: Pick<Invocation, "record" | "request" | "offloadForbidden">,
  { total: { memoryMib, cpu }, area, mismatch }: NodeState,
): string {
  const { record, request } = invocation;
  const reasons: string[] = [];
  if (record.memoryMib > memoryMib) {
    reasons.push(
      `needs ${record.memoryMib} MiB of memory (MemoryMB) and this node has ${memoryMib} (container.pool.memory)`,
    );
  }
  if (record.cpu > cpu) {
    reasons.push(
      `needs ${
        quantity(record.cpu, "CPU")
      } (CPUDemand) and this node has ${cpu} (container.pool.cpus)`,
    );
  }
  if (mismatch === "architecture") {
    reasons.push(`runs on ${record.architectures.join(" or ")} only, which this node is not`);
  }
  if (mismatch === "locality") {
    reasons.push(`may not run in area ${area} of this node (${localities(record, request)})`);
  }
  const why = reasons.length > 0 ? `: it ${reasons.join(", ")}` : "";
  return `This node cannot run "${record.name}"${why}; no other node is known that can${
    mismatch === "locality" && !invocation.offloadForbidden ? "" : exclusionReason(invocation)
  }`;
}

function saturatedMessage(
  { record, answerBy }: Pick<Invocation, "record" | "answerBy">,
  { fullQueue, shortage }: NodeState,
): string {
  const lack = shortageInWords(shortage, record);
  if (fullQueue === 0) {
    return `The node is busy, and its queue is disabled (scheduler.queue.capacity is 0): ${lack}; ` +
      "try again later";
  }
  if (fullQueue !== undefined) {
    return `The node is busy, and its queue is full (scheduler.queue.capacity is ${fullQueue}): ` +
      `${lack}; try again later`;
  }
  return answerBy < Infinity
    ? `The node is busy, and its policy expects the request to exceed its limit: ${lack}; ` +
      "try again later, or with a larger QoSMaxRespT"
    : `The node is busy: ${lack}; try again later`;
}
