/**
 * What requests are told that are not run.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";

/** There is no such function. */
export function functionUnknown(name: string): ServerledgeError {
  return new ServerledgeError("FUNCTION_UNKNOWN", `There is no function "${name}"`, {
    details: { path: "fun" },
  });
}

/** The node takes no more requests. */
export function stopping(): ServerledgeError {
  return new ServerledgeError("SHUTTING_DOWN", "The node is stopping; ask another one");
}

/** Its time is up. */
export function overdue(message: string): ServerledgeError {
  return new ServerledgeError("DEADLINE_EXCEEDED", message);
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
 * The policy refused it.
 *
 * @param refusal why another node did not take it, if it was sent to one
 */
export function rejection(
  code: "NODE_SATURATED" | "NO_SUITABLE_NODE",
  record: FunctionRecord,
  refusal?: ServerledgeError,
): ServerledgeError {
  const message = code === "NODE_SATURATED"
    ? "The node is full and so is its queue; try again later"
    : `No node can run "${record.Name}": it asks for ${record.MemoryMB} MiB, ` +
      `${record.CPUDemand} CPUs, ${record.SupportedArchs.join(" or ") || "any architecture"}, ` +
      `locality ${record.Locality}`;
  const other = refusal && { code: refusal.code, message: refusal.message };
  return new ServerledgeError(code, message, other && { details: { otherNode: other } });
}
