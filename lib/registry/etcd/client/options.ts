/**
 * Options of an etcd client.
 *
 * @module
 */

import type { KnownNodes } from "../../local/known_nodes.ts";

/** Certificates for TLS, PEM. */
export interface EtcdTls {
  /** Authority of etcd's certificate; if absent, this machine's trusted authorities. */
  readonly ca?: Uint8Array;
  /** Client certificate, if etcd requires one. */
  readonly cert?: Uint8Array;
  /** Key of that certificate. */
  readonly key?: Uint8Array;
}

/** Options of an etcd client, and how to recover lost data. */
export interface EtcdOptions {
  /** Address of each member that may be called, `host:port` or a URL. */
  readonly endpoints: readonly string[];
  /** User name, if authentication is on. */
  readonly username?: string;
  /** Password of that user. */
  readonly password?: string;
  /** Enables TLS. */
  readonly tls?: EtcdTls;
  /**
   * Returns code that an emptied etcd has lost.
   *
   * @param hash hash of the code
   * @returns undefined if this node does not have it
   */
  readonly recoverCode?: (hash: string) => Promise<Uint8Array | undefined>;
  /** Stores the known nodes across restarts while etcd is unavailable; outlives the registry. */
  readonly knownNodes?: Pick<KnownNodes, "read" | "keep">;
}
