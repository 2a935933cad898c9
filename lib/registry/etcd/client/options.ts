/**
 * How to reach an etcd cluster.
 *
 * @module
 */

import type { KnownNodes } from "../../local/known_nodes.ts";

/** Certificates for TLS, PEM. */
export interface EtcdTls {
  /** Of the authority that signed etcd's certificate; absent: those this machine trusts. */
  readonly ca?: Uint8Array;
  /** This client's certificate, where etcd asks for one. */
  readonly cert?: Uint8Array;
  /** Key of that certificate. */
  readonly key?: Uint8Array;
}

/** How to reach an etcd cluster, and what to do when it has lost its data. */
export interface EtcdOptions {
  /** `host:port` of each member that may be asked. */
  readonly endpoints: readonly string[];
  /** User, where etcd asks for one. */
  readonly username?: string;
  /** Password of that user. */
  readonly password?: string;
  /** Turns TLS on. */
  readonly tls?: EtcdTls;
  /**
   * Where code comes from that an emptied etcd has lost.
   *
   * @param hash of the code
   * @returns undefined if it is not known here
   */
  readonly recoverCode?: (hash: string) => Promise<Uint8Array | undefined>;
  /** Remembers the nodes over a restart while etcd is away; outlives the registry. */
  readonly knownNodes?: Pick<KnownNodes, "read" | "keep">;
}
