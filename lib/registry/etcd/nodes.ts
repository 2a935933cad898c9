/**
 * The registration of a node in etcd, under a lease of its own.
 *
 * @module
 */

import type { NodeRecord } from "../../model/node.ts";
import type { EtcdClient } from "./client.ts";
import { LeaseLost } from "./cluster.ts";
import { nodesPrefix } from "./keys.ts";
import { absent, put } from "./requests.ts";
import { pause } from "./steps.ts";

/** How long a node that falls silent stays registered, s. */
export const leaseTtlS = 10;
/** How often its lease is renewed, ms: three renewals fit into a lease. */
const renewMs = 3000;
/** Pause before a node whose lease was lost registers again, ms. */
const regrantMs = 100;
/** How long a stopping node waits for its deregistration, ms. */
const farewellMs = 1000;

/** Keeps one node registered, whatever happens to etcd, until it is disposed. */
export class NodeRegistration implements AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #key: string;
  readonly #value: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lease: string | undefined;
  #written = false;

  /**
   * Begins to register.
   *
   * @param client calls etcd; outlives the registration
   * @param record the node
   */
  constructor(client: EtcdClient, record: NodeRecord) {
    this.#client = client;
    this.#key = nodesPrefix + record.Id;
    this.#value = JSON.stringify(record);
    this.#running = this.#run();
  }

  /** Deregisters, if etcd answers soon; else the lease ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const lease = this.#lease;
    const revoked = lease && this.#client.health().ok
      ? this.#client.revokeLease(lease, farewellMs).catch(() => {})
      : undefined;
    const waited = new AbortController();
    const ended = Promise.all([this.#running, revoked]).then(() => waited.abort());
    // A call under way to an etcd that is away ends when the client is disposed.
    await Promise.race([ended, pause(farewellMs, waited.signal)]);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let pauseMs = renewMs;
      try {
        await this.#renew();
      } catch (error) {
        // Of all else the client keeps the reason for health(), and the next renewal tries again.
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
    await this.#client.transact({
      // What was written once is written again only if it is gone: somebody may have removed it. The
      // first time it takes the place of what a former process of this node has left.
      compare: this.#written ? [absent(this.#key)] : [],
      success: [put(this.#key, this.#value, this.#lease)],
    });
    this.#written = true;
  }
}
