/**
 * What the registry asks of etcd: keys, transactions, leases and watches.
 *
 * @module
 */

import { bulkTimeoutMs, EtcdCluster } from "./etcd_cluster.ts";
import type { EtcdOptions } from "./etcd_options.ts";
import { below, encode, put, type Transaction } from "./etcd_requests.ts";
import { readJsonLines } from "./json_lines.ts";
import type { RegistryHealth } from "./registry.ts";

/** Keys of one answer to a listing. */
const pageSize = 2000;
interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
}

interface RangeResponse {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
  readonly count?: string;
}

interface TransactionResponse {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly {
    readonly response_range?: RangeResponse;
    readonly response_delete_range?: { readonly deleted?: string };
  }[];
}

/** One message of a watch. */
interface WatchLine {
  readonly result?: {
    readonly header: { readonly revision: string };
    readonly canceled?: boolean;
    readonly cancel_reason?: string;
    readonly events?: readonly { readonly type?: "PUT" | "DELETE"; readonly kv: KeyValue }[];
  };
  readonly error?: { readonly message?: string };
}

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

  /**
   * A client; it connects when it is first used.
   *
   * @param options how to reach the cluster
   */
  constructor(options: EtcdOptions) {
    this.#cluster = new EtcdCluster(options);
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
    const { kvs } = await this.#cluster.call<RangeResponse>("/v3/kv/range", {
      key: encode(key),
    }, timeoutMs);
    return kvs?.[0] && entryOf(kvs[0]).value;
  }

  /**
   * All keys below a prefix, as they were at one moment.
   *
   * @param prefix ends with a slash
   * @param keysOnly true to leave the values out
   */
  async list(prefix: string, keysOnly = false): Promise<Listing> {
    const range = below(prefix);
    const entries: Entry[] = [];
    let revision: string | undefined;
    for (let key = range.key;;) {
      const page = await this.#cluster.call<RangeResponse>("/v3/kv/range", {
        ...range,
        key,
        limit: pageSize,
        keys_only: keysOnly,
        ...(revision && { revision }),
      }, bulkTimeoutMs);
      revision ??= page.header.revision;
      for (const kv of page.kvs ?? []) entries.push(entryOf(kv));
      const last = entries.at(-1);
      if (!page.more || !last) return { entries, revision: Number(revision) };
      key = encode(`${last.key}\0`);
    }
  }

  /**
   * How many keys there are below a prefix, and when one was last written.
   *
   * @param prefix ends with a slash
   */
  async summarize(prefix: string): Promise<{ count: number; written: number }> {
    const { count = "0", kvs } = await this.#cluster.call<RangeResponse>("/v3/kv/range", {
      ...below(prefix),
      keys_only: true,
      limit: 1,
      sort_target: "MOD",
      sort_order: "DESCEND",
    });
    return { count: Number(count), written: Number(kvs?.[0]?.mod_revision ?? 0) };
  }

  /**
   * Writes a key.
   *
   * @throws LeaseLost
   */
  async put(key: string, value: Uint8Array | string, lease?: string): Promise<void> {
    await this.#cluster.call("/v3/kv/put", put(key, value, lease).request_put, bulkTimeoutMs);
  }

  /**
   * Runs a transaction.
   *
   * @throws LeaseLost
   */
  async transact(transaction: Transaction): Promise<Outcome> {
    const { header, succeeded = false, responses } = await this.#cluster.call<TransactionResponse>(
      "/v3/kv/txn",
      transaction,
      bulkTimeoutMs,
    );
    const found = responses?.[0]?.response_range?.kvs?.[0];
    return {
      succeeded,
      revision: Number(header.revision),
      read: found && entryOf(found).value,
      removed: Number(responses?.[0]?.response_delete_range?.deleted ?? 0),
    };
  }

  /**
   * Grants a lease.
   *
   * @returns its id
   */
  async grantLease(ttlSeconds: number): Promise<string> {
    const { ID } = await this.#cluster.call<{ ID: string }>("/v3/lease/grant", { TTL: ttlSeconds });
    return ID;
  }

  /**
   * Makes a lease live on for its whole time.
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
    await this.#cluster.call("/v3/lease/revoke", { ID: lease }, timeoutMs);
  }

  /**
   * Passes on the changes below a prefix until etcd ends it: with an error, because its connection
   * ends, or because the changes that are asked for were compacted away.
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
    const request = { ...below(prefix), start_revision: String(from), fragment: true };
    await this.#cluster.stream("/v3/watch", { create_request: request }, signal, async (stream) => {
      for await (const line of readJsonLines(stream)) apply(this.#changes(line as WatchLine));
    });
  }

  #changes({ result, error }: WatchLine): Changes {
    if (!result || result.canceled) {
      const reason = error?.message ?? result?.cancel_reason ?? "";
      throw this.#cluster.unavailable(reason === "" ? "it ended the watch" : reason);
    }
    return {
      revision: Number(result.header.revision),
      changes: (result.events ?? []).map(({ type, kv }) => ({
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

function entryOf({ key, value = "" }: KeyValue): Entry {
  return {
    key: new TextDecoder().decode(Uint8Array.fromBase64(key)),
    value: Uint8Array.fromBase64(value),
  };
}
