/**
 * What a node proves to others by the cluster's secret, and how it verifies them.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { DatagramCodec } from "../status/datagram.ts";
import { Registrations } from "./registrations.ts";
import { RequestSigner } from "./request_signer.ts";
import { RequestVerifier } from "./request_verifier.ts";
import type { NodeProcessId } from "./signed_headers.ts";

/** Authentication between the nodes of a cluster. */
export interface ClusterAuth {
  readonly signer: RequestSigner;
  readonly verifier: RequestVerifier;
  readonly registrations: Registrations;
  readonly datagrams: DatagramCodec;
}

/**
 * Creates the authentication of a process.
 *
 * @param secret the cluster's
 * @param self this process
 * @param formerEnded resolves when an earlier process of the node has ended, if it is still running
 * @returns undefined without a secret: nothing is signed
 */
export function clusterAuth(
  secret: string,
  self: NodeProcessId,
  clock: Clock,
  formerEnded?: Promise<void>,
): ClusterAuth | undefined {
  if (secret === "") return undefined;
  return {
    signer: new RequestSigner(secret, self, clock),
    verifier: new RequestVerifier(secret, self, clock, formerEnded),
    registrations: new Registrations(secret),
    datagrams: new DatagramCodec(secret),
  };
}
