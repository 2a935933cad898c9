/**
 * Nodes as they know each other: who is registered, and what one tells of itself.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

/** Name of a node or an area: it stands in headers, keys of etcd and names of Docker's networks. */
export const nodeName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/));
/** What {@link nodeName} takes, in words. */
export const nodeNameRule = "1 to 128 ASCII letters, digits, dots, dashes or underscores";

/** What a node writes into the registry when it joins. */
const nodeSchema = v.object({
  /** Its id, unique in the cluster. */
  Id: nodeName,
  /** Its edge zone or cloud region. */
  Area: nodeName,
  /** `node` runs functions; `balancer` spreads requests over the nodes of its area. */
  Role: v.picklist(["node", "balancer"]),
  /** Where its API is reached by others, e.g. `http://10.0.0.5:1323`. */
  Url: v.pipe(v.string(), v.url()),
  /** Where it answers status datagrams, `address:port`; empty for a balancer. */
  Udp: v.string(),
  /** `amd64` or `arm64`. */
  Architecture: v.string(),
  /** Changes with every start of its process. */
  Incarnation: v.string(),
  /** Names its data folder, so that another node of the same id is distinguished from a restart; absent: unknown. */
  Home: v.optional(v.string()),
});

/** A node on its way to the registry and back. */
export const nodeNames = wireNames(nodeSchema);

/** A member of the cluster, as the registry knows it. */
export type NodeRecord = InsideOf<typeof nodeNames>;

/** What a node has written into the registry, read. */
export const storedNodeSchema = v.pipe(nodeSchema, v.transform(nodeNames.fromWire));

/** A network coordinate (Dabek et al. 2004); distances between two are round-trip times, ms. */
export interface Coordinate {
  /** Position, three dimensions, ms. */
  readonly vector: readonly number[];
  /** Height above the plane: the access link's share of every round trip, ms. */
  readonly height: number;
  /** Offset that corrects the model's systematic error, ms (Ledlie et al. 2007). */
  readonly adjustment: number;
  /** Relative error of the estimate, 0 to 1.5. */
  readonly error: number;
}

/** What a node tells of itself in a status datagram. */
export interface PeerStatus {
  /** Memory that instances could still take, MiB: total less busy ones. */
  readonly availableMemoryMib: number;
  /** Memory for instances in all, MiB. */
  readonly totalMemoryMib: number;
  /** CPU that no busy instance holds, cores. */
  readonly freeCpu: number;
  /** Requests that wait. */
  readonly queueLength: number;
  /** Invocations that run. */
  readonly running: number;
  readonly coordinate: Coordinate;
  /** Whether it is likely to have an idle instance of a function; may err with "yes", never with "no". */
  readonly warm: (functionName: string) => boolean;
  /**
   * Whether what a function needs of images (`needOf`) is likely to be there; may err with "yes",
   * which is also what it is where the node did not tell.
   */
  readonly hasImage: (need: string) => boolean;
}
