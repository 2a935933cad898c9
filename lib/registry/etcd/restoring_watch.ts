/**
 * Follows values in etcd that this node puts back if etcd loses its data.
 *
 * @module
 */

import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import type { EtcdClient } from "./client/client.ts";
import { absent, put, read } from "./client/requests.ts";
import { identityKey } from "./keys.ts";
import { PrefixWatch } from "./prefix_watch.ts";

/** Time limit for the identity of the data, ms; short, since it shows whether etcd responds. */
const identityTimeoutMs = 2000;

/** Reads the identity of the data in etcd. */
export async function readIdentity(client: EtcdClient): Promise<string | undefined> {
  const value = await client.get(identityKey, identityTimeoutMs);
  return value && new TextDecoder().decode(value);
}

/** Follows the values under a prefix, even if etcd loses its data. */
export abstract class RestoringWatch extends PrefixWatch {
  /** Identity of the data that is being listed. */
  #listing: string | undefined;
  /** Identity of the followed data; undefined until etcd has responded. */
  #identity: string | undefined;
  #complained = false;

  /**
   * Restarts if etcd has other data than before.
   *
   * @param reading see {@link readIdentity}, which has just been called
   */
  async checkIdentity(reading: Promise<string | undefined>): Promise<void> {
    const followed = this.#identity;
    const present = await reading;
    // Without a known identity there is nothing to compare; this response may be older than the listing.
    if (followed !== undefined && followed !== present) this.startOver("etcd contains other data");
  }

  /** True after the first listing. */
  protected get isListed(): boolean {
    return this.#identity !== undefined;
  }

  /** Puts back all known values into an emptied etcd. */
  protected abstract restore(): Promise<void>;

  /** Records that a listing has been applied; a subclass calls it before it informs its observers. */
  protected applied(): void {
    this.#complained = false;
    this.#identity = this.#listing;
  }

  /** Restores the values that an emptied etcd has lost. */
  protected override async prepare(): Promise<void> {
    const { identity, revision } = await this.#identify();
    this.#listing = identity;
    const isEmptied = this.#identity !== undefined &&
      // If the revision decreased, an older state was restored from a backup.
      (identity !== this.#identity || revision < this.revision);
    if (isEmptied) await this.restore();
  }

  /** Logs the first failure of an outage. */
  protected override interrupted(reason: string | undefined): void {
    if (reason === undefined || this.#complained) return;
    this.#complained = true;
    logger("registry").warn("Lost the connection to etcd; trying again: {reason}", { reason });
  }

  /** Returns the identity of the data; data without one gets a new one. */
  async #identify(): Promise<{ identity: string; revision: number }> {
    const fresh = randomId();
    const { succeeded, read: present, revision } = await this.client.transact({
      compare: [absent(identityKey)],
      success: [put(identityKey, fresh)],
      failure: [read(identityKey)],
    });
    const identity = succeeded ? fresh : new TextDecoder().decode(present);
    return { identity, revision };
  }
}
