/**
 * The etcd operations that the registry uses: keys, transactions, leases and watches.
 *
 * @module
 */

import { type IKeyValue, type IRangeRequest, KVClient, LeaseClient } from "etcd3/lib/rpc.js";
import { bulkTimeoutMs, callTimeoutMs, EtcdCluster } from "../cluster.ts";
import { gateway, gatewayRequest, readResponse, watchLineSchema } from "./gateway.ts";
import type { EtcdOptions } from "./options.ts";
import { below, bufferOf, type Transaction } from "./requests.ts";
import { readJsonLines } from "../../../json/lines.ts";
import type { RegistryHealth } from "../../registry.ts";

/** Number of keys in one page of a listing. */
const pageSize = 2000;

/** A key with its value. */
export interface Entry {
  readonly key: string;
  /** Empty if only keys were requested. */
  readonly value: Uint8Array;
}

/** The keys with a prefix at one revision. */
export interface Listing {
  /** Sorted by key. */
  readonly entries: readonly Entry[];
  readonly revision: number;
}

/** Result of a transaction. */
export interface Outcome {
  /** Whether its conditions were met. */
  readonly succeeded: boolean;
  readonly revision: number;
  /** The value read by its first operation, if that was a read of an existing key. */
  readonly read: Uint8Array | undefined;
  /** Number of keys deleted by its first operation. */
  readonly removed: number;
}

/** A change of a key. */
export interface Change extends Entry {
  /** True if the key was deleted. */
  readonly removed: boolean;
}

/** Changes of one revision. */
export interface Changes {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** Client of an etcd cluster. */
export class EtcdClient implements Disposable {
  readonly #cluster: EtcdCluster;
  readonly #kv: KVClient;
  readonly #leases: LeaseClient;

  /**
   * Creates a client, which connects when it is first used.
   *
   * @param options endpoints and credentials of the cluster
   */
  constructor(options: EtcdOptions) {
    this.#cluster = new EtcdCluster(options);
    const calls = gateway((...call) => this.#cluster.call(...call));
    this.#kv = new KVClient(calls);
    this.#leases = new LeaseClient(calls);
  }

  /** Returns the health of the cluster, judged by the last calls. */
  health(): RegistryHealth {
    return this.#cluster.health();
  }

  /**
   * Reads a key.
   *
   * @param timeoutMs limit for one member
   */
  async get(key: string, timeoutMs: number = bulkTimeoutMs): Promise<Uint8Array | undefined> {
    const { kvs } = await this.#kv.range({ key: bufferOf(key) }, within(timeoutMs));
    return kvs[0] && bytesOf(kvs[0].value);
  }

  /**
   * Lists all keys with a prefix, at one revision.
   *
   * @param prefix ends with a slash
   * @param keysOnly true to omit the values
   */
  async list(prefix: string, keysOnly = false): Promise<Listing> {
    const range: IRangeRequest = { ...below(prefix), limit: pageSize, keys_only: keysOnly };
    const entries: Entry[] = [];
    for (;;) {
      const page = await this.#kv.range(range, within(bulkTimeoutMs));
      range.revision ??= page.header.revision;
      for (const kv of page.kvs) entries.push(entryOf(kv));
      const last = entries.at(-1);
      if (!page.more || !last) return { entries, revision: Number(range.revision) };
      range.key = bufferOf(`${last.key}\0`);
    }
  }

  /**
   * Counts the keys with a prefix, and returns the revision of the last write.
   *
   * @param prefix ends with a slash
   */
  async summarize(prefix: string): Promise<{ count: number; written: number }> {
    const { count, kvs } = await this.#kv.range({
      ...below(prefix),
      keys_only: true,
      limit: 1,
      sort_target: "Mod",
      sort_order: "Descend",
    }, within(callTimeoutMs));
    return { count: Number(count), written: Number(kvs[0]?.mod_revision ?? 0) };
  }

  /**
   * Writes a key.
   *
   * @throws LeaseLost
   */
  async put(key: string, value: Uint8Array | string, lease?: string): Promise<void> {
    const request = { key: bufferOf(key), value: bufferOf(value), ...(lease && { lease }) };
    await this.#kv.put(request, within(bulkTimeoutMs));
  }

  /**
   * Runs a transaction.
   *
   * @throws LeaseLost
   */
  async transact({ compare, success, failure = [] }: Transaction): Promise<Outcome> {
    const request = { compare: [...compare], success: [...success], failure: [...failure] };
    const { header, succeeded, responses } = await this.#kv.txn(
      request,
      within(bulkTimeoutMs),
    );
    const found = responses[0]?.response_range?.kvs[0];
    return {
      succeeded,
      revision: Number(header.revision),
      read: found && bytesOf(found.value),
      removed: Number(responses[0]?.response_delete_range?.deleted ?? 0),
    };
  }

  /**
   * Grants a lease.
   *
   * @returns its id
   */
  async grantLease(ttlSeconds: number): Promise<string> {
    return (await this.#leases.leaseGrant({ TTL: ttlSeconds }, within(callTimeoutMs))).ID;
  }

  /**
   * Renews a lease. etcd3 is not used, because it supports renewals only through a bidirectional stream.
   * A renewal must be a single call with a time limit that any member can process.
   *
   * @returns false if the lease does not exist any more
   */
  async keepLease(lease: string): Promise<boolean> {
    const { result } = await this.#cluster.call<{ result?: { TTL?: string } }>(
      "/v3/lease/keepalive",
      { ID: lease },
    );
    return Number(result?.TTL ?? 0) > 0;
  }

  /**
   * Revokes a lease, which deletes its keys.
   *
   * @param timeoutMs limit for one member
   * @throws LeaseLost
   */
  async revokeLease(lease: string, timeoutMs: number): Promise<void> {
    await this.#leases.leaseRevoke({ ID: lease }, within(timeoutMs));
  }

  /**
   * Passes on the changes below a prefix until etcd ends the watch: by an error, a closed
   * connection, or compaction of the requested revisions.
   *
   * etcd3's `Watcher` is not used: it resumes on its own and skips changes that it had not replayed when
   * its connection broke, waits silently for an etcd that has lost its data, and leaks a timer. This
   * method reports any end of a watch, after which the caller lists all keys again.
   *
   * @param prefix ends with a slash
   * @param from first revision
   * @param signal ends the watch
   */
  async watch(
    prefix: string,
    from: number,
    apply: (changes: Changes) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const request = gatewayRequest({
      ...below(prefix),
      start_revision: String(from),
      fragment: true,
    });
    await this.#cluster.stream("/v3/watch", { create_request: request }, signal, async (stream) => {
      for await (const line of readJsonLines(stream)) apply(this.#changes(line));
    });
  }

  #changes(line: unknown): Changes {
    const { result, error } = readResponse(watchLineSchema, line);
    if (!result || result.canceled) {
      const reason = error?.message ?? result?.cancel_reason ?? "";
      throw this.#cluster.unavailable(reason === "" ? "etcd ended the watch" : reason);
    }
    return {
      revision: Number(result.header.revision),
      changes: result.events.map(({ type, kv }) => ({
        ...entryOf(kv),
        removed: type === "DELETE",
      })),
    };
  }

  /** Closes the connections; later calls fail. */
  [Symbol.dispose](): void {
    this.#cluster[Symbol.dispose]();
  }
}

/** Options of a call with a time limit per member. */
function within(timeoutMs: number): { deadline: number } {
  return { deadline: Date.now() + timeoutMs };
}

function entryOf({ key, value }: IKeyValue): Entry {
  return { key: key.toString(), value: bytesOf(value) };
}

/** Returns the bytes of a Buffer as a plain Uint8Array, not copied. */
function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
