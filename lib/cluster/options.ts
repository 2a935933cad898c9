/**
 * What a cluster depends on, and its settings.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { MemoryReservation } from "../base/reserve_memory.ts";
import type { Trust } from "../http/tls/trust.ts";
import type { Registry } from "../registry/registry.ts";
import type { LocalStatus } from "./status/datagram.ts";
import type { ClusterAuth } from "./trust/cluster_auth.ts";

/** Dependencies and settings of a cluster. */
export interface ClusterOptions {
  /** Registry of the nodes; not closed by the cluster. */
  readonly registry: Pick<Registry, "registerNode" | "watchNodes">;
  readonly node: {
    readonly id: string;
    readonly area: string;
    readonly architecture: string;
    /** Id of this process. */
    readonly incarnation: string;
  };
  /** Identifies the node's data folder. */
  readonly home?: string;
  /**
   * Addresses of etcd, `host:port` or URLs; one on another machine is shared with other machines.
   */
  readonly endpoints?: readonly string[];
  /** Address that the API listens on; undefined behind a proxy. */
  readonly listen?: string | undefined;
  /** IP address at which others reach this node. */
  readonly address: string;
  /** URL at which others reach this node's API; derived from address and port if empty. */
  readonly url?: string;
  /** Area of the cloud; empty: none. */
  readonly remoteArea: string;
  /** Signs datagrams, requests and registrations; undefined without a secret. */
  readonly auth?: ClusterAuth | undefined;
  /** Address at which this node receives datagrams, `address:port`; empty: its address and port. */
  readonly udp?: string;
  /** Port for datagrams; 0 takes a free one. */
  readonly udpPort: number;
  /** False to take a free port if that one is taken: others learn it from the registration. */
  readonly udpPortIsFixed: boolean;
  /** True to take the port for datagrams over from another process of this user, which has offered it. */
  readonly takesOver?: boolean;
  /** Time between two rounds of probes, ms. */
  readonly nearbyMs: number;
  /** Time between two checks of the balancers of the remote area, ms. */
  readonly monitoringMs: number;
  /** Time between two checks of a peer with requests in flight, ms. */
  readonly livenessMs?: number;
  readonly clock: Clock;
  /** Certificates of peers that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
  /** Opens the reservation of a long result of a peer. */
  readonly reserveResult?: () => MemoryReservation;
  readonly random: () => number;
  /** The current status of this node; cheap. */
  readonly status: () => LocalStatus;
  /** Called when a peer has reported its status: it may have capacity for queued requests. */
  readonly onStatus: () => void;
}
