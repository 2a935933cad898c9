/**
 * What others can reach in a simulation: a node, or the balancer of an area.
 *
 * @module
 */

import type { LocalStatus } from "../../cluster/status/datagram.ts";
import type { Forwarded } from "../../cluster/peers/peers.ts";
import type { Resources } from "../../cluster/peers/resource_headers.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Coordinate, NodeRecord } from "../../model/node.ts";

/** A request that another node took in. */
export interface Taken {
  /** Its answer. */
  readonly done: Promise<InvocationResult>;
  /** Nobody waits for it any more. */
  cancel(): void;
}

/** A node or balancer as others reach it. */
export interface Reachable {
  /** What it is registered as. */
  readonly record: NodeRecord;
  /** False once it has crashed. */
  readonly alive: boolean;
  /** What it has free, as its answers tell it; undefined: it does not tell. */
  resources(): Resources | undefined;
  /** What it tells of itself; undefined: only that it is well. */
  news(): LocalStatus & { readonly coordinate: Coordinate } | undefined;
  /** Takes a request. @throws what refuses it */
  take(forwarded: Forwarded): Taken;
}
