/**
 * Headers of forwarded requests and responses.
 *
 * @module
 */

import { balancerHeader, formerBalancerHeader } from "../cluster/peers/hop_headers.ts";
import {
  digestHeader,
  processHeader,
  signatureHeader,
  uptimeHeader,
} from "../cluster/trust/signed_headers.ts";
import type { HeaderPair } from "../http/head.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { passesOn } from "../http/passing.ts";

/** Request headers that the balancer or its server sets itself. */
const replacedHeaders: ReadonlySet<string> = new Set([
  balancerHeader,
  formerBalancerHeader,
  "content-length",
  "expect",
  "host",
  "serverledge-mab-request-id",
  signatureHeader,
  "x-forwarded-for",
]);

/** Response headers for balancers only, as in the Go node, or set by the server. */
const droppedHeaders: ReadonlySet<string> = new Set([
  "content-length",
  "serverledge-free-cpu",
  "serverledge-free-mem",
  "serverledge-mab-request-id",
  "serverledge-node-name",
  processHeader,
  signatureHeader,
  uptimeHeader,
]);

/** The client of a request. */
export interface Client {
  readonly address: string;
  /** True for functions over plain HTTP, which see what browsers send. */
  readonly isPlainHttp: boolean;
}

/**
 * Creates the headers of a request to a node: those of the client, including the hop headers of a
 * forwarded request, and the client's identity.
 *
 * @param balancer id of this balancer
 */
export function requestHeaders(
  { headers, isSecure }: Pick<IncomingRequest, "headers" | "isSecure">,
  client: Client,
  host: string,
  balancer: string,
): HeaderPair[] {
  const passes = passesOn(headers.get("connection"));
  // Functions build links from it, and request signatures cover it.
  const passed: HeaderPair[] = [["host", client.isPlainHttp ? headers.get("host") ?? host : host]];
  for (const [name, value] of headers) {
    if (!passes(name) || replacedHeaders.has(name)) continue;
    // Checked by this balancer against its own name, which a node does not know.
    if (!client.isPlainHttp && name === "origin") continue;
    // The balancer reads the nodes' responses.
    if (!client.isPlainHttp && name === "accept-encoding") continue;
    passed.push([name, value]);
  }
  passed.push([balancerHeader, balancer]);
  const via = headers.get("x-forwarded-for");
  passed.push(["x-forwarded-for", via ? `${via}, ${client.address}` : client.address]);
  for (
    const [name, value] of [
      ["x-real-ip", client.address],
      ["x-forwarded-host", headers.get("host") ?? ""],
      ["x-forwarded-proto", isSecure ? "https" : "http"],
    ] as const
  ) {
    if (value !== "" && !headers.has(name)) passed.push([name, value]);
  }
  return passed;
}

/** Returns the balancer that has forwarded a request, of this version or a former one; null if none has. */
export function forwardingBalancer(
  { headers }: Pick<IncomingRequest, "headers">,
): string | null {
  return headers.get(balancerHeader) ?? headers.get(formerBalancerHeader);
}

/**
 * Creates the headers of a response.
 *
 * @param isForNode whether it is for another node, which verifies the digest of the body
 */
export function responseHeaders(
  headers: readonly HeaderPair[],
  isForNode: boolean,
): readonly HeaderPair[] {
  const passes = passesOn(headers.find(([name]) => name === "connection")?.[1]);
  return headers.filter(([name]) =>
    passes(name) && !droppedHeaders.has(name) && (isForNode || name !== digestHeader)
  );
}
