/**
 * Descriptions of nodes that gave no usable response.
 *
 * @module
 */

import { RestartedNode } from "../cluster/peers/node_client.ts";
import { UnsignedResponse } from "../cluster/trust/request_signer.ts";
import { NeverSent, TlsFailed } from "../http/failures.ts";

/** Describes in words that follow the node's name why a request got no response. */
export function failureText(error: unknown): string {
  if (error instanceof TlsFailed) {
    return `TLS with it fails (check cluster.tls.ca of the balancer): ${error.message}`;
  }
  if (error instanceof NeverSent) return "it does not accept connections";
  if (error instanceof RestartedNode) return "it has restarted";
  return error instanceof UnsignedResponse
    ? `its response is not signed with this cluster's secret (${error.said})`
    : "the connection broke before the response";
}

/** Describes in words that follow the node's name why a health check failed. */
export function checkText(error: unknown): string {
  const isExplained = error instanceof TlsFailed || error instanceof UnsignedResponse;
  return isExplained ? failureText(error) : "it does not respond";
}
