/**
 * A node that is alone.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { Peers } from "./peers.ts";

/** Nobody to send anything to. */
export const noPeers: Peers = {
  near: () => [],
  cloud: () => undefined,
  isCloud: () => false,
  requestStatus: () => {},
  surroundings: () => ({ peerMemoryMib: 0, edgeRttMs: Infinity, cloudRttMs: Infinity }),
  send: (to) => Promise.reject(new ServerledgeError("PEER_UNREACHABLE", `There is no node ${to}`)),
};
