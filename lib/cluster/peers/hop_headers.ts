/**
 * Metadata of forwarded requests as HTTP headers: written by the peer client, read by the API of
 * the receiving node, passed through by balancers.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { ServerledgeError } from "../../base/errors.ts";
import type { Hop } from "../../model/hop.ts";

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
} as const;
const signatureName = "serverledge-signature";

/** All headers of a forwarded request. */
export const hopHeaderNames: readonly string[] = [
  ...Object.values(names),
  signatureName,
  balancerHeader,
  formerBalancerHeader,
];

/**
 * Writes the headers.
 *
 * @param secret the cluster's; empty: unsigned
 */
export function hopHeaders(hop: Hop, secret: string): Record<string, string> {
  const headers: Record<string, string> = {
    [names.id]: hop.id,
    [names.hopsLeft]: String(hop.hopsLeft),
    [names.visited]: hop.visited.join(","),
    [names.budgetMs]: String(Math.max(1, Math.floor(hop.budgetMs))),
    [names.originArea]: hop.originArea,
  };
  if (secret !== "") headers[signatureName] = sign(headers, secret);
  return headers;
}

/**
 * Reads the headers of a request.
 *
 * @param secret the cluster's; empty: signatures are not checked
 * @returns undefined for a request from a client
 * @throws `INVALID_REQUEST` for invalid values, `UNAUTHORIZED` for a missing or wrong signature
 */
export function readHop(headers: Pick<Headers, "get">, secret: string): Hop | undefined {
  const id = headers.get(names.id);
  if (id === null) return undefined;
  const given = Object.fromEntries(
    Object.values(names).map((name) => [name, headers.get(name) ?? ""]),
  );
  if (secret !== "" && !equal(sign(given, secret), headers.get(signatureName) ?? "")) {
    throw new ServerledgeError(
      "UNAUTHORIZED",
      "The request claims to come from a node but is not signed with this cluster's secret",
    );
  }
  const visited = given[names.visited]!.split(",").filter((node) => node !== "");
  const hop: Hop = {
    id,
    hopsLeft: Number(given[names.hopsLeft] || "0"),
    visited,
    budgetMs: Number(given[names.budgetMs]),
    originArea: given[names.originArea]!,
  };
  check(names.id, idPattern.test(id));
  check(names.hopsLeft, Number.isInteger(hop.hopsLeft) && hop.hopsLeft >= 0);
  check(names.hopsLeft, hop.hopsLeft <= maxHops);
  check(names.visited, visited.length <= maxHops && visited.every((node) => idPattern.test(node)));
  check(names.budgetMs, hop.budgetMs > 0 && Number.isFinite(hop.budgetMs));
  check(names.originArea, idPattern.test(hop.originArea));
  return hop;
}

function check(path: string, holds: boolean): void {
  if (holds) return;
  throw new ServerledgeError("INVALID_REQUEST", `Header ${path} has no valid value`, {
    details: { path },
  });
}

function sign(headers: Record<string, string>, secret: string): string {
  const text = Object.values(names).map((name) => headers[name] ?? "").join("\n");
  return createHmac("sha256", secret).update(text).digest("hex");
}

function equal(a: string, b: string): boolean {
  const [one, other] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
