/**
 * Registered nodes, and the status that they send to each other.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

/** Schema of the name of a node or an area, which headers, etcd keys and Docker networks contain. */
export const nodeName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/));
/** Description of the names that {@link nodeName} accepts. */
export const nodeNameRule = "1 to 128 ASCII letters, digits, dots, dashes or underscores";

/** Schema of the record that a node writes into the registry when it joins. */
const nodeSchema = v.object({
  /** Id, unique in the cluster. */
  Id: nodeName,
  /** Edge zone or cloud region. */
  Area: nodeName,
  /** `node` runs functions; `balancer` spreads requests over the nodes of its area. */
  Role: v.picklist(["node", "balancer"]),
  /** URL at which other nodes reach its API, e.g. `http://10.0.0.5:1323`. */
  Url: v.pipe(v.string(), v.url()),
  /** Address of its status datagrams, `address:port`; empty for a balancer. */
  Udp: v.string(),
  /** `amd64` or `arm64`. */
  Architecture: v.string(),
  /** Id of its process, which changes with every start. */
  Incarnation: v.string(),
  /** Identity of its data folder, which tells another node of that id from a restart; absent if unknown. */
  Home: v.optional(v.string()),
  /** Signature of the other fields, if the cluster has a secret. */
  Signature: v.optional(v.string()),
});

/** Converts nodes from and to the format of the registry. */
export const nodeNames = wireNames(nodeSchema);

/** Registered record of a cluster member. */
export type NodeRecord = InsideOf<typeof nodeNames>;

/** Schema that reads a stored node. */
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

/** Status of a node in its datagrams. */
export interface PeerStatus {
  /** Memory that new instances could take, MiB: total minus that of busy instances. */
  readonly availableMemoryMib: number;
  /** Total memory for instances, MiB. */
  readonly totalMemoryMib: number;
  /** CPU that no busy instance holds, cores. */
  readonly freeCpu: number;
  /** Number of queued requests. */
  readonly queueLength: number;
  /** Number of running invocations. */
  readonly running: number;
  readonly coordinate: Coordinate;
  /** Returns whether an idle instance of a function is likely; true may be wrong, false is not. */
  readonly warm: (functionName: string) => boolean;
  /**
   * Returns whether the image that a function needs (`needOf`) is likely to be present. True may be
   * wrong, and is also returned if the node did not report its images.
   */
  readonly hasImage: (need: string) => boolean;
}
