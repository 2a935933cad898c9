/**
 * Metadata of forwarded requests as HTTP headers: written by the peer client, read by the API of
 * the receiving node, passed through by balancers.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { HeaderPair } from "../../http/head.ts";
import type { IncomingRequest } from "../../http/server/messages.ts";
import { type Hop, maxCallers } from "../../model/hop.ts";
import {
  digestHeader,
  processHeader,
  signatureHeader,
  uptimeHeader,
} from "../trust/signed_headers.ts";

/** Most hops that a header may allow, whatever the configuration says. */
const maxHops = 16;
const idPattern = /^[A-Za-z0-9._-]{1,256}$/;

/** Header with the id of a forwarded request; clients do not send it. */
export const requestIdHeader = "serverledge-request-id";

/** Header with the id of the balancer that has forwarded a request. */
export const balancerHeader = "serverledge-balancer";

/** Its name in former versions, with the ids of several balancers. */
export const formerBalancerHeader = "serverledge-balancers";

const names = {
  id: requestIdHeader,
  hopsLeft: "serverledge-hops-left",
  visited: "serverledge-visited",
  budgetMs: "serverledge-budget-ms",
  originArea: "serverledge-origin-area",
  callers: "serverledge-callers",
} as const;

/** All headers that nodes and balancers add to requests and responses for each other. */
export const hopHeaderNames: ReadonlySet<string> = new Set([
  ...Object.values(names),
  signatureHeader,
  digestHeader,
  processHeader,
  uptimeHeader,
  balancerHeader,
  formerBalancerHeader,
]);

/** Writes the headers. */
export function hopHeaders(hop: Hop): HeaderPair[] {
  const callers: HeaderPair[] = hop.callers?.length ? [[names.callers, hop.callers.join(",")]] : [];
  return [
    ...callers,
    [names.id, hop.id],
    [names.hopsLeft, String(hop.hopsLeft)],
    [names.visited, hop.visited.join(",")],
    [names.budgetMs, String(Math.max(1, Math.floor(hop.budgetMs)))],
    [names.originArea, hop.originArea],
  ];
}

/** Returns whether a request claims to come from a node or a balancer. */
export function isFromPeer({ headers }: Pick<IncomingRequest, "headers">): boolean {
  for (const [name] of headers) {
    if (name.startsWith("serverledge-") && hopHeaderNames.has(name)) return true;
  }
  return false;
}

/**
 * Reads the headers of a request. Signatures were checked when it was received.
 *
 * @returns undefined for a request from a client
 * @throws `INVALID_REQUEST` for invalid values
 */
export function readHop(headers: Pick<Headers, "get">): Hop | undefined {
  const id = headers.get(names.id);
  if (id === null) return undefined;
  const given = Object.fromEntries(
    Object.values(names).map((name) => [name, headers.get(name) ?? ""]),
  );
  const list = (name: string) => given[name]!.split(",").filter((item) => item !== "");
  const visited = list(names.visited);
  const callers = list(names.callers);
  const hop: Hop = {
    id,
    hopsLeft: Number(given[names.hopsLeft] || "0"),
    visited,
    budgetMs: Number(given[names.budgetMs]),
    originArea: given[names.originArea]!,
    callers,
  };
  check(names.id, idPattern.test(id));
  check(names.hopsLeft, Number.isInteger(hop.hopsLeft) && hop.hopsLeft >= 0);
  check(names.hopsLeft, hop.hopsLeft <= maxHops);
  check(names.visited, visited.length <= maxHops && visited.every((node) => idPattern.test(node)));
  check(names.budgetMs, hop.budgetMs > 0 && Number.isFinite(hop.budgetMs));
  check(names.callers, callers.length <= maxCallers && callers.every((one) => idPattern.test(one)));
  check(names.originArea, idPattern.test(hop.originArea));
  return hop;
}

function check(path: string, holds: boolean): void {
  if (holds) return;
  throw new ServerledgeError("INVALID_REQUEST", `The header ${path} has an invalid value`, {
    details: { path },
  });
}
