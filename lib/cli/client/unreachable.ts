/**
 * Explains why a node did not respond.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { BadMessage, TlsFailed } from "../../http/failures.ts";
import { authority, type Endpoint, urlOf } from "./endpoint.ts";

/**
 * Returns the error of a call without a response. A failed call gives its reason only as text, so the
 * name is resolved once more to find out whether it is the cause.
 *
 * @param resolve returns an address of a host, or rejects
 */
export async function unreachable(
  endpoint: Endpoint,
  cause: unknown,
  resolve: (host: string) => Promise<unknown> = lookUp,
): Promise<ServerledgeError> {
  if (cause instanceof TlsFailed || cause instanceof BadMessage) {
    return new ServerledgeError("PEER_UNREACHABLE", notUnderstood(endpoint, cause), { cause });
  }
  const isKnown = await resolve(endpoint.host).then(() => true, () => false);
  const reason = isKnown
    ? 'no node listens there, or the connection was closed; start a node with "serverledge ' +
      'start", or choose another with --host and --port'
    : "the host name cannot be resolved; check --host";
  return new ServerledgeError(
    "PEER_UNREACHABLE",
    `No response from ${authority(endpoint)}: ${reason}`,
    { cause },
  );
}

function notUnderstood(endpoint: Endpoint, cause: TlsFailed | BadMessage): string {
  if (cause instanceof TlsFailed) {
    const url = urlOf(endpoint);
    return `${cause.message}. If the certificate is self-signed, trust it by its fingerprint ` +
      `(serverledge login ${url} --fingerprint SHA256:...), or get it with serverledge tls fetch ${url}; ` +
      "give it, or that of a private CA, with --ca FILE; if the node serves plain HTTP, use " +
      `http://${authority(endpoint)}`;
  }
  return `${authority(endpoint)} does not respond like a node (the response ` +
    `${cause.message}); if it serves HTTPS, give its URL: --host ` +
    `https://${authority(endpoint)}`;
}

async function lookUp(host: string): Promise<unknown> {
  // The module is loaded only after a failure.
  const { lookup } = await import("node:dns/promises");
  return await lookup(host);
}
