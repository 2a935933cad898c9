/**
 * What the registry asks of etcd: keys, transactions, leases and watches.
 *
 * @module
 */

import { type IKeyValue, type IRangeRequest, KVClient, LeaseClient } from "etcd3/lib/rpc.js";
import { bulkTimeoutMs, callTimeoutMs, EtcdCluster } from "../cluster.ts";
import { gateway, gatewayRequest, readAnswer, watchLineSchema } from "./gateway.ts";
import type { EtcdOptions } from "./options.ts";
import { below, bufferOf, type Transaction } from "./requests.ts";
import { readJsonLines } from "../../../json/lines.ts";
import type { RegistryHealth } from "../../registry.ts";

/** Keys of one answer to a listing. */
const pageSize = 2000;

/** A key with its value. */
export interface Entry {
  /** The whole key. */
  readonly key: string;
  /** Its value; empty where only keys were asked for. */
  readonly value: Uint8Array;
}

/** The keys below a prefix at one moment. */
export interface Listing {
  /** Sorted by key. */
  readonly entries: readonly Entry[];
  /** The moment. */
  readonly revision: number;
}

/** What a transaction did. */
export interface Outcome {
  /** Whether its conditions held. */
  readonly succeeded: boolean;
  /** The moment it was done. */
  readonly revision: number;
  /** The value that its first step read, if it was a read and the key was there. */
  readonly read: Uint8Array | undefined;
  /** Keys that its first step removed. */
  readonly removed: number;
}

/** One change of a key. */
export interface Change extends Entry {
  /** True if the key was removed. */
  readonly removed: boolean;
}

/** Changes that were made together. */
export interface Changes {
  /** The moment. */
  readonly revision: number;
  /** In order. */
  readonly changes: readonly Change[];
}

/** Calls to an etcd cluster. */
export class EtcdClient implements Disposable {
  readonly #cluster: EtcdCluster;
  readonly #kv: KVClient;
  readonly #leases: LeaseClient;

  /**
   * A client; it connects when it is first used.
   *
   * @param options how to reach the cluster
   */
  constructor(options: EtcdOptions) {
    this.#cluster = new EtcdCluster(options);
    const calls = gateway((...call) => this.#cluster.call(...call));
    this.#kv = new KVClient(calls);
    this.#leases = new LeaseClient(calls);
  }

  /** What the last calls told of the cluster. */
  health(): RegistryHealth {
    return this.#cluster.health();
  }

  /**
   * The value of one key.
   *
   * @param key the whole key
   * @param timeoutMs how long a member may take
   */
  async get(key: string, timeoutMs: number = bulkTimeoutMs): Promise<Uint8Array | undefined> {
    const { kvs } = await this.#kv.range({ key: bufferOf(key) }, within(timeoutMs));
    return kvs[0] && bytesOf(kvs[0].value);
  }

  /**
   * All keys below a prefix, as they were at one moment.
   *
   * @param prefix ends with a slash
   * @param keysOnly true to leave the values out
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
   * How many keys there are below a prefix, and when one was last written.
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
   * Makes a lease live on for its whole time. Not by etcd3, which has this only as a stream of both
   * directions, while a renewal is to be one call with a time limit that any member can answer.
   *
   * @returns false if there is no such lease any more
   */
  async keepLease(lease: string): Promise<boolean> {
    const { result } = await this.#cluster.call<{ result?: { TTL?: string } }>(
      "/v3/lease/keepalive",
      { ID: lease },
    );
    return Number(result?.TTL ?? 0) > 0;
  }

  /**
   * Ends a lease, and with it the keys that were written with it.
   *
   * @param timeoutMs how long a member may take
   * @throws LeaseLost
   */
  async revokeLease(lease: string, timeoutMs: number): Promise<void> {
    await this.#leases.leaseRevoke({ ID: lease }, within(timeoutMs));
  }

  /**
   * Passes on the changes below a prefix until etcd ends it: with an error, because its connection
   * ends, or because the changes that are asked for were compacted away.
   *
   * Not by etcd3's `Watcher`: it resumes by itself, and so skips what it had not yet replayed when
   * its connection broke, waits in silence for an etcd whose data is gone, and leaves a timer behind.
   * Here whatever ends a watch is told, and all keys are listed again.
   *
   * @param prefix ends with a slash
   * @param from the first moment of interest
   * @param apply called for each
   * @param signal ends it
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
    const { result, error } = readAnswer(watchLineSchema, line);
    if (!result || result.canceled) {
      const reason = error?.message ?? result?.cancel_reason ?? "";
      throw this.#cluster.unavailable(reason === "" ? "it ended the watch" : reason);
    }
    return {
      revision: Number(result.header.revision),
      changes: result.events.map(({ type, kv }) => ({
        ...entryOf(kv),
        removed: type === "DELETE",
      })),
    };
  }

  /** Closes the connections; calls from now on fail. */
  [Symbol.dispose](): void {
    this.#cluster[Symbol.dispose]();
  }
}

/** The options of a call that a member may take so long for. */
function within(timeoutMs: number): { deadline: number } {
  return { deadline: Date.now() + timeoutMs };
}

function entryOf({ key, value }: IKeyValue): Entry {
  return { key: key.toString(), value: bytesOf(value) };
}

/** The same bytes without what a Buffer does otherwise. */
function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
