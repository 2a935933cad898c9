/**
 * The peers of a node that is alone.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { Peers } from "./peers.ts";

/** No peers. */
export const noPeers: Peers = {
  near: () => [],
  cloud: () => undefined,
  isCloud: () => false,
  requestStatus: () => {},
  summary: () => ({ peerMemoryMib: 0, edgeRttMs: Infinity, cloudRttMs: Infinity }),
  send: (to) => Promise.reject(new ServerledgeError("PEER_UNREACHABLE", `There is no node ${to}`)),
};
