/**
 * What requests are told that are not run.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Locality } from "../model/locality.ts";
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
 * @param path where the integer is
 */
export function integerTooLarge(record: FunctionRecord, path: string): ServerledgeError {
  const message = `${path}: an integer beyond 2^53, which the runtime ${record.Runtime} of ` +
    `"${record.Name}" cannot hold exactly; send it as a string`;
  return new ServerledgeError("UNPROCESSABLE", message, { details: { path } });
}

/** The node takes no more requests. */
export function stopping(): ServerledgeError {
  return new ServerledgeError("SHUTTING_DOWN", "The node is stopping; ask another one");
}

/** Its time is up. */
export function overdue(message: string): ServerledgeError {
  return new ServerledgeError("DEADLINE_EXCEEDED", message);
}

/**
 * It was interrupted.
 *
 * @param reply what the function had done by then, if it has ended already
 */
export function overran(reply?: Reply & { ok: false }): ServerledgeError {
  const message = "The function ran into its deadline";
  if (!reply) return overdue(message);
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
 * @param starting true if an instance for it was being started
 */
export function outwaited(
  invocation: Pick<Invocation, "offloadForbidden">,
  starting: boolean,
): ServerledgeError {
  const message = starting
    ? "An instance for it was still starting at its deadline"
    : "It waited for a free instance until its deadline";
  return overdue(message + forbidden(invocation));
}

/** What of its fate a request owes to itself. */
function forbidden({ offloadForbidden }: Pick<Invocation, "offloadForbidden">): string {
  if (!offloadForbidden) return "";
  return ". Other nodes were not asked: its CanDoOffloading is false, as sent or by offload.default";
}

/** Why a policy may refuse a request. */
export type RejectionCode = "NODE_SATURATED" | "NO_SUITABLE_NODE";

function inWords(locality: Locality): string {
  return Array.isArray(locality) ? locality.join(" or ") : String(locality);
}

/**
 * The policy refused it.
 *
 * @param request what it is, and why another node did not take it, if it was sent to one
 * @param node how its queue is and how much memory it has for instances, MiB
 */
export function rejection(
  code: RejectionCode,
  invocation: Pick<
    Invocation,
    "record" | "request" | "refusal" | "answerBy" | "offloadForbidden"
  >,
  { queueIsFull, memoryMib }: { queueIsFull: boolean; memoryMib: number },
): ServerledgeError {
  const { record, request, refusal, answerBy } = invocation;
  const lacking = record.MemoryMB > memoryMib
    ? `, and this node has ${memoryMib} for instances (container.pool.memory). It asks also for `
    : ", ";
  const message = code === "NO_SUITABLE_NODE"
    ? `No node can run "${record.Name}": it asks for ${record.MemoryMB} MiB of memory${lacking}` +
      `${record.CPUDemand} CPUs, ${record.SupportedArchs.join(" or ") || "any architecture"}, ` +
      `locality of the function ${inWords(record.Locality)}, of the request ${
        inWords(request.Locality)
      }`
    : queueIsFull
    ? "The node is full and so is its queue; try again later"
    : answerBy < Infinity
    ? "The node is busy, and its policy does not let it wait within the request's limit; try again later, or with a larger QoSMaxRespT"
    : "The node is busy and has no place for it now; try again later";
  const other = refusal && { code: refusal.code, message: refusal.message };
  return new ServerledgeError(
    code,
    message + forbidden(invocation),
    other && { details: { otherNode: other } },
  );
}
