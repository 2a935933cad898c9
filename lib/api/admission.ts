/**
 * What the key of a client permits of an invocation: its class and its quotas.
 *
 * @module
 */

import type { Principal } from "../access/principal.ts";
import { ServerledgeError } from "../base/errors.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";

/**
 * Bounds the QoS class of a request by those of its client.
 *
 * @param named class that the request names, by number or name
 * @param classOf returns the name of a class
 * @returns the class; the first one of the client if the request names none
 * @throws `FORBIDDEN` if the request names another class
 */
export function permittedClass(
  named: InvokeRequest["qosClass"],
  { classes, grant }: Principal,
  classOf: (key: InvokeRequest["qosClass"]) => string,
): InvokeRequest["qosClass"] {
  if (!classes) return named;
  const name = classOf(named);
  if (classes.includes(name)) return named;
  if (named === defaultRequest.qosClass) return classes[0] ?? named;
  const who = grant ? `Key "${grant.name}"` : "A client without a key";
  throw new ServerledgeError(
    "FORBIDDEN",
    `${who} may not use class "${name}": it may use ${
      classes.join(", ") || "the default class only"
    }`,
    { details: { path: "QoSClass" } },
  );
}

/**
 * Begins an invocation of a client with quotas.
 *
 * @param memoryMib memory of an instance of the function
 * @param held reservation of the body
 * @returns a reservation that also ends the invocation for the quotas
 * @throws `QUOTA_EXCEEDED`, and the body is released
 */
export function withQuota(
  { meter }: Principal,
  memoryMib: number,
  held: Disposable,
): Disposable {
  if (!meter) return held;
  let counted: Disposable;
  try {
    counted = meter.begin(memoryMib);
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
  return {
    [Symbol.dispose]() {
      counted[Symbol.dispose]();
      held[Symbol.dispose]();
    },
  };
}
