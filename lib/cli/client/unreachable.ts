/**
 * Why a node did not answer.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { authority, type Endpoint } from "./endpoint.ts";

/**
 * The error of a call that no node answered. The reason that a failed call carries is text alone, so
 * whether the name is to blame is found out by resolving it once more.
 *
 * @param resolve finds an address of a host, or rejects
 */
export async function unreachable(
  endpoint: Endpoint,
  cause: unknown,
  resolve: (host: string) => Promise<unknown> = lookUp,
): Promise<ServerledgeError> {
  const isKnown = await resolve(endpoint.host).then(() => true, () => false);
  const reason = isKnown
    ? 'no node listens there, or it went away; start one with "serverledge start", or name another ' +
      "with --host and --port"
    : "its name cannot be resolved; see --host";
  return new ServerledgeError(
    "PEER_UNREACHABLE",
    `No answer from ${authority(endpoint)}: ${reason}`,
    { cause },
  );
}

async function lookUp(host: string): Promise<unknown> {
  // A call that is answered must not pay for it.
  const { lookup } = await import("node:dns/promises");
  return await lookup(host);
}
