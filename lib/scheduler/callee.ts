/**
 * Invocations that functions request while they run.
 *
 * @module
 */

import { matches } from "../access/role.ts";
import { ServerledgeError } from "../base/errors.ts";
import { maxCallers, type Origin } from "../model/hop.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";
import { inheritedLocality } from "../model/locality.ts";
import type { Callee, CalleeCall } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";

/** Accepts the request of a function, as {@link Scheduler.submit} does. */
export type SubmitCallee = (name: string, request: InvokeRequest, origin: Origin) => Invocation;

/** Invocation that requests another, and its limits. */
export interface Caller {
  readonly caller: Pick<Invocation, "record" | "request" | "hop" | "callers">;
  /** Time left for its execution, ms. */
  readonly budgetMs: number;
  /** Area of the node that runs it. */
  readonly area: string;
}

/**
 * Sends the request of a function to invoke another. It has the caller's deadline and class, and may be
 * processed only where the caller's data may be processed.
 *
 * @param submit accepts the request
 * @throws `FORBIDDEN` without the right to invoke the function; `UNPROCESSABLE` if too many functions
 *   wait for each other; the errors of `submit`
 */
export function sendCallee(by: Caller, callee: CalleeCall, submit: SubmitCallee): Callee {
  const { caller, budgetMs, area } = by;
  const { name, params, reservation } = callee;
  const callers = [...caller.callers, caller.record.name];
  if (!mayInvoke(caller.record.invokes, name)) throw notAllowed(caller.record.name, name);
  if (callers.length > maxCallers) throw tooDeep(callers, name);
  const { qosClass, canOffload, locality } = caller.request;
  const localities = [caller.record.locality, locality];
  const request: InvokeRequest = {
    ...defaultRequest,
    params,
    qosClass,
    maxResponseS: Math.max(1, budgetMs) / 1000,
    locality: inheritedLocality(localities, caller.hop?.originArea ?? area),
    canOffload,
  };
  const inputSize = params.json.length;
  const invocation = submit(name, request, { callers, inputSize, reservation });
  return {
    result: invocation.done.then(({ report }) => report.result),
    cancel: () => invocation.cancel(),
  };
}

function mayInvoke(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

function notAllowed(caller: string, name: string): ServerledgeError {
  const message =
    `Function "${caller}" may not invoke "${name}": none of its patterns in Invokes ` +
    `allows that; add one with update --invokes`;
  return new ServerledgeError("FORBIDDEN", message, { details: { path: "Invokes" } });
}

function tooDeep(callers: readonly string[], name: string): ServerledgeError {
  const message = `Cannot invoke "${name}": ${callers.length} functions wait for each other ` +
    `(${callers.join(" -> ")}), and the maximum is ${maxCallers}; check them for a loop`;
  return new ServerledgeError("UNPROCESSABLE", message);
}
