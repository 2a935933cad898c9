/**
 * Signatures of the records by which nodes register. Without them, whoever can write to etcd could
 * register an address of their own as a node.
 *
 * @module
 */

import type { NodeRecord } from "../../model/node.ts";
import { ClusterKey } from "./keys.ts";

/** Signs this node's registration and verifies those of others. */
export class Registrations {
  readonly #key: ClusterKey;

  /**
   * Derives the key.
   *
   * @param secret the cluster's; not empty
   */
  constructor(secret: string) {
    this.#key = new ClusterKey(secret, "registration");
  }

  /** Returns the record with its signature. */
  sign(record: NodeRecord): NodeRecord {
    return { ...record, signature: this.#key.sign(textOf(record)) };
  }

  /**
   * Explains why a record cannot be trusted, in words that follow the name of its node.
   *
   * @returns undefined if it is signed with the cluster's secret
   */
  problemOf(record: NodeRecord): string | undefined {
    const { signature } = record;
    if (signature === undefined) {
      return "its registration is not signed: it has no cluster.secret or runs a former version " +
        "of the program, or the registration was not written by a node";
    }
    if (this.#key.verify(textOf(record), signature)) return undefined;
    return "its registration is not signed with this node's cluster.secret";
  }
}

/** Text of all fields; JSON, since they may contain anything. */
function textOf(record: NodeRecord): string {
  const { id, area, role, url, udp, architecture, incarnation, home } = record;
  return JSON.stringify([id, area, role, url, udp, architecture, incarnation, home ?? null]);
}
