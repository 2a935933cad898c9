/**
 * Headers on their way through the balancer.
 *
 * @module
 */

import { balancerHeader } from "../cluster/peers/hop_headers.ts";
import type { HeaderPair } from "../http/head.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { passesOn } from "../http/passing.ts";

/** What the balancer sets itself, or its server does. */
const ownOfRequests: ReadonlySet<string> = new Set([
  balancerHeader,
  "content-length",
  "expect",
  "host",
  "serverledge-mab-request-id",
  "x-forwarded-for",
]);

/** What only balancers learn from, as in the Go node, and what the server sets itself. */
const ownOfAnswers: ReadonlySet<string> = new Set([
  "content-length",
  "serverledge-free-cpu",
  "serverledge-free-mem",
  "serverledge-mab-request-id",
  "serverledge-node-name",
]);

/** Who asked, and for what. */
export interface Client {
  readonly address: string;
  /** True for functions over HTTP, which see what browsers send. */
  readonly isPage: boolean;
}

/**
 * The headers of a request as a node gets them: those of the client, also those by which nodes tell
 * each other of hops (the balancer is none), and who the client is.
 *
 * @param request the client's
 * @param balancer id of the balancer that forwards it
 */
export function requestHeaders(
  { headers }: Pick<IncomingRequest, "headers">,
  client: Client,
  host: string,
  balancer: string,
): HeaderPair[] {
  const passes = passesOn(headers.get("connection"));
  // Functions build their links from it, and signatures of requests cover it.
  const passed: HeaderPair[] = [["host", client.isPage ? headers.get("host") ?? host : host]];
  for (const [name, value] of headers) {
    if (!passes(name) || ownOfRequests.has(name)) continue;
    // Checked here against this balancer's name, which a node does not know.
    if (!client.isPage && name === "origin") continue;
    // The balancer reads what nodes answer.
    if (!client.isPage && name === "accept-encoding") continue;
    passed.push([name, value]);
  }
  passed.push([balancerHeader, balancer]);
  const via = headers.get("x-forwarded-for");
  passed.push(["x-forwarded-for", via ? `${via}, ${client.address}` : client.address]);
  for (
    const [name, value] of [
      ["x-real-ip", client.address],
      ["x-forwarded-host", headers.get("host") ?? ""],
      ["x-forwarded-proto", "http"],
    ] as const
  ) {
    if (value !== "" && !headers.has(name)) passed.push([name, value]);
  }
  return passed;
}

/**
 * The headers of an answer as the client gets them.
 *
 * @param headers the node's
 */
export function answerHeaders(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const passes = passesOn(headers.find(([name]) => name === "connection")?.[1]);
  return headers.filter(([name]) => passes(name) && !ownOfAnswers.has(name));
}
