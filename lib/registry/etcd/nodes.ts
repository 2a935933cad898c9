/**
 * The registration of a node in etcd, under a lease of its own.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import { nodeNames, type NodeRecord, storedNodeSchema } from "../../model/node.ts";
import { readRecord } from "../records.ts";
import type { Registration } from "../registry.ts";
import type { EtcdClient } from "./client/client.ts";
import { LeaseLost } from "./cluster.ts";
import { nodesPrefix } from "./keys.ts";
import { absent, put, read } from "./client/requests.ts";

/** Time after which an unresponsive node is deregistered, s. */
export const leaseTtlS = 10;
/** Interval of lease renewals, ms; three in the lifetime of a lease. */
const renewMs = 3000;
/** Pause before a node registers again after it has lost its lease, ms. */
const regrantMs = 100;
/** Longest wait for the deregistration at shutdown, ms. */
const farewellMs = 1000;

/** Keeps one node registered across failures of etcd, until it is disposed. */
export class NodeRegistration implements Registration {
  readonly #client: EtcdClient;
  readonly #key: string;
  readonly #record: NodeRecord;
  readonly #value: string;
  readonly #isAlive: (other: NodeRecord) => Promise<boolean>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lease: string | undefined;
  #written = false;
  #rival: NodeRecord | undefined;

  /**
   * Starts the registration.
   *
   * @param client calls etcd; outlives the registration
   * @param isAlive returns whether another node, with the same id and another data folder, responds
   */
  constructor(
    client: EtcdClient,
    record: NodeRecord,
    isAlive: (other: NodeRecord) => Promise<boolean>,
  ) {
    this.#client = client;
    this.#record = record;
    this.#isAlive = isAlive;
    this.#key = nodesPrefix + record.id;
    this.#value = JSON.stringify(nodeNames.toWire(record));
    this.#running = this.#run();
  }

  /** Live node with the same id that is registered in place of this one. */
  get conflict(): NodeRecord | undefined {
    return this.#rival;
  }

  abandon(): void {
    this.#stop.abort();
    this.#lease = undefined;
  }

  /** Deregisters if etcd responds in time; otherwise the lease expires. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const lease = this.#lease;
    const revoked = lease && this.#client.health().ok
      ? this.#client.revokeLease(lease, farewellMs).catch(() => {})
      : undefined;
    const waited = new AbortController();
    const ended = Promise.all([this.#running, revoked]).then(() => waited.abort());
    // A pending call to an unavailable etcd ends when the client is disposed.
    await Promise.race([ended, pause(farewellMs, waited.signal)]);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let pauseMs = renewMs;
      try {
        await this.#renew();
      } catch (error) {
        // The client records other errors for health(); the next renewal tries again.
        if (error instanceof LeaseLost) {
          this.#lease = undefined;
          pauseMs = regrantMs;
        }
      }
      await pause(pauseMs, this.#stop.signal);
    }
  }

  async #renew(): Promise<void> {
    if (this.#lease && !await this.#client.keepLease(this.#lease)) this.#lease = undefined;
    if (!this.#lease) {
      const lease = await this.#client.grantLease(leaseTtlS);
      if (this.#stop.signal.aborted) return;
      this.#lease = lease;
      this.#written = false;
    }
    const write = put(this.#key, this.#value, this.#lease);
    // The registration is written again if it is missing, since it may have been removed.
    const { succeeded, read: found } = await this.#client.transact({
      compare: [absent(this.#key)],
      success: [write],
      failure: [read(this.#key)],
    });
    const other = succeeded ? undefined : this.#otherNode(found);
    this.#rival = other && await this.#isAlive(other) ? other : undefined;
    // The first write replaces the registration of a former process of this node. A signed record that
    // somebody has overwritten is restored.
    const isForged = this.#record.signature !== undefined && !this.#isOwn(found);
    const mayTake = other !== undefined || !this.#written || isForged;
    if (!succeeded && !this.#rival && mayTake) {
      await this.#client.transact({ compare: [], success: [write] });
    }
    this.#written = !this.#rival;
  }

  #isOwn(found: Uint8Array | undefined): boolean {
    return new TextDecoder().decode(found) === this.#value;
  }

  /** The current registration, unless it belongs to this node or a former process of it. */
  #otherNode(found: Uint8Array | undefined): NodeRecord | undefined {
    const record = found && !this.#isOwn(found)
      ? readRecord(storedNodeSchema, new TextDecoder().decode(found), this.#key)
      : undefined;
    const { home, url } = this.#record;
    const isOther = record?.home !== undefined && home !== undefined && record.home !== home &&
      record.url !== url;
    return isOther ? record : undefined;
  }
}
