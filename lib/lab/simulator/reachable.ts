/**
 * Interface of nodes and balancers in a simulation.
 *
 * @module
 */

import type { LocalStatus } from "../../cluster/status/datagram.ts";
import type { Forwarded } from "../../cluster/peers/peers.ts";
import type { Resources } from "../../cluster/peers/resource_headers.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Coordinate, NodeRecord } from "../../model/node.ts";

/** A request accepted by another node. */
export interface AcceptedRequest {
  readonly done: Promise<InvocationResult>;
  cancel(): void;
}

/** A node or balancer that others send requests to. */
export interface Reachable {
  /** Its registration. */
  readonly record: NodeRecord;
  /** False once it has crashed. */
  readonly alive: boolean;
  /** Free resources as reported with responses; undefined for balancers. */
  resources(): Resources | undefined;
  /** Status as reported to peers; undefined for balancers. */
  status(): LocalStatus & { readonly coordinate: Coordinate } | undefined;
  /** Accepts a request. @throws the refusal */
  take(forwarded: Forwarded): AcceptedRequest;
}
