/**
 * What an invocation may claim and use: its class, its history, and the quotas of its client.
 *
 * @module
 */

import { granteeOf } from "../access/key.ts";
import type { Principal } from "../access/principal.ts";
import { ServerledgeError } from "../base/errors.ts";
import { readHop, requestIdHeader } from "../cluster/peers/hop_headers.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import type { Hop } from "../model/hop.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";
import type { QosClasses } from "../model/qos.ts";

/**
 * Returns the class of a client's request, which its key may bound. An unknown number means the default
 * class, since clients of the Go node send any number.
 *
 * @param named class that the request names, by number or name
 * @returns the class; the first one of the client if the request names none
 * @throws `UNPROCESSABLE` for an unknown name, `FORBIDDEN` if the client may not use the class
 */
export function permittedClass(
  named: InvokeRequest["qosClass"],
  { classes: permitted, grant }: Principal,
  classes: QosClasses,
): InvokeRequest["qosClass"] {
  if (named === defaultRequest.qosClass && !permitted) return named;
  if (typeof named === "string" && !classes.find(named)) throw classes.unknown(named, "QoSClass");
  if (!permitted) return named;
  const { name } = classes.of(named);
  const isDefault = name === classes.of(defaultRequest.qosClass).name;
  if (permitted.includes(name) || permitted.length === 0 && isDefault) return named;
  const [first] = permitted;
  const namesNone = named === defaultRequest.qosClass;
  // Nodes may have different classes: an unknown one would be the default class here.
  if (namesNone && first !== undefined && classes.of(first).name === first) return first;
  const who = grant ? `The ${granteeOf(grant)}` : "A client without a key";
  const unknown = permitted.filter((each) => classes.of(each).name !== each);
  const gap = unknown.length > 0 ? ` (this node has no class ${unknown.join(", ")})` : "";
  throw new ServerledgeError(
    "FORBIDDEN",
    `${who} may not use class "${name}": it may use ${
      permitted.join(", ") || "the default class only"
    }${gap}`,
    { details: { path: "QoSClass" } },
  );
}

/**
 * Returns the history of a request that another node has forwarded.
 *
 * @returns undefined for a request from a client
 * @throws the error of {@link requireNodeForHop}, `INVALID_REQUEST`
 */
export function forwardedHop(
  request: Pick<IncomingRequest, "headers">,
  principal: Principal,
): Hop | undefined {
  requireNodeForHop(request, principal);
  return readHop(request.headers);
}

/**
 * Refuses the headers of a forwarded request from a client.
 *
 * @throws `UNAUTHORIZED`
 */
export function requireNodeForHop(
  { headers }: Pick<IncomingRequest, "headers">,
  { mayForward }: Principal,
): void {
  if (mayForward || !headers.has(requestIdHeader)) return;
  throw new ServerledgeError(
    "UNAUTHORIZED",
    "The request has the headers of a forwarded request, but no signature of a node, which a node that requires " +
      "keys needs: set the same cluster.secret on all nodes; clients must not send these headers",
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
