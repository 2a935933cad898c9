/**
 * Calls to an etcd cluster: each with a deadline, the members in turn, errors translated, and what
 * they tell of the cluster's health remembered.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { EtcdOptions } from "./etcd_options.ts";
import { below, encode, put, type Transaction } from "./etcd_requests.ts";
import { asEtcdError, type EtcdError, EtcdTransport, grpc } from "./etcd_transport.ts";
import { readJsonLines } from "./json_lines.ts";
import type { RegistryHealth } from "./registry.ts";

/** How long a call to one member may take, ms. */
const callTimeoutMs = 5000;
/** How long a call may take that carries much over a slow uplink, ms. */
const bulkTimeoutMs = 30_000;
/** Keys of one answer to a listing; fewer where they are large. */
const pageSize = 2000;
/** Fewest calls that are tried: a connection may have ended unnoticed since it was last used. */
const minTries = 2;

/** What another member may answer better. */
const tryElsewhere: readonly number[] = [
  grpc.UNKNOWN,
  grpc.DEADLINE_EXCEEDED,
  grpc.INTERNAL,
  grpc.UNAVAILABLE,
];

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

/** Thrown where a lease is gone: expired, or lost with etcd's data. */
export class LeaseLost extends Error {}

/** Calls to an etcd cluster. */
export class EtcdClient implements Disposable {
  readonly #transport: EtcdTransport;
  readonly #options: EtcdOptions;
  readonly #closed = new AbortController();
  /** The member that answered last, asked first. */
  #current = 0;
  #token: Promise<string> | undefined;
  #problem: { reason: string; since: number } | undefined;

  /**
   * A client; it connects when it is first used.
   *
   * @param options how to reach the cluster
   */
  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#transport = new EtcdTransport(options);
    this.#problem = { reason: "not connected yet", since: performance.now() };
  }

  /** What the last calls told of the cluster. */
  health(): RegistryHealth {
    if (!this.#problem) return { ok: true };
    const { reason, since } = this.#problem;
    return { ok: false, reason, sinceMs: performance.now() - since };
  }

  /**
   * The value of one key.
   *
   * @param key the whole key
   * @param timeoutMs how long a member may take
   */
  async get(key: string, timeoutMs: number = bulkTimeoutMs): Promise<Uint8Array | undefined> {
    const { kvs } = await this.#call<RangeResponse>("/v3/kv/range", {
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
    let limit = pageSize;
    for (let key = range.key;;) {
      const request = { ...range, key, limit, keys_only: keysOnly, ...(revision && { revision }) };
      let page: RangeResponse;
      try {
        page = await this.#call<RangeResponse>("/v3/kv/range", request, bulkTimeoutMs);
      } catch (error) {
        const cause = (error as Error).cause as Partial<EtcdError> | undefined;
        if (cause?.code !== grpc.RESOURCE_EXHAUSTED || limit === 1) throw error;
        limit = Math.ceil(limit / 4);
        continue;
      }
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
    const { count = "0", kvs } = await this.#call<RangeResponse>("/v3/kv/range", {
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
    await this.#call("/v3/kv/put", put(key, value, lease).request_put, bulkTimeoutMs);
  }

  /**
   * Runs a transaction.
   *
   * @throws LeaseLost
   */
  async transact(transaction: Transaction): Promise<Outcome> {
    const { header, succeeded = false, responses } = await this.#call<TransactionResponse>(
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
    const { ID } = await this.#call<{ ID: string }>("/v3/lease/grant", { TTL: ttlSeconds });
    return ID;
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
    const response = await this.#try((member, token) =>
      this.#transport.call(member, "/v3/watch", { create_request: request }, {
        signal: AbortSignal.any([signal, this.#closed.signal]),
        ...(token !== undefined && { token }),
      })
    );
    for await (const line of readJsonLines(response.body!)) {
      const { result, error } = line as { result?: WatchResult; error?: { message?: string } };
      if (!result || result.canceled) {
        throw this.#unavailable(error?.message ?? result?.cancel_reason ?? "the watch ended");
      }
      apply({
        revision: Number(result.header.revision),
        changes: (result.events ?? []).map(({ type, kv }) => ({
          ...entryOf(kv),
          removed: type === "DELETE",
        })),
      });
    }
  }

  /** Closes the connections; calls from now on fail. */
  [Symbol.dispose](): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#transport[Symbol.dispose]();
  }

  #call<T>(path: string, body: unknown, timeoutMs: number = callTimeoutMs): Promise<T> {
    return this.#try(async (member, token) => {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closed.signal]);
      const options = { signal, ...(token !== undefined && { token }) };
      const response = await this.#transport.call(member, path, body, options);
      return await response.json() as T;
    });
  }

  /** Asks the members in turn until one answers; every call may be repeated without harm. */
  async #try<T>(attempt: (member: string, token?: string) => Promise<T>): Promise<T> {
    const { endpoints } = this.#options;
    let failure: EtcdError | undefined;
    for (let tried = 0; tried < Math.max(minTries, endpoints.length); tried++) {
      if (this.#closed.signal.aborted) break;
      const index = (this.#current + tried) % endpoints.length;
      try {
        const result = await this.#authenticated(endpoints[index]!, attempt);
        this.#current = index;
        this.#problem = undefined;
        return result;
      } catch (error) {
        failure = asEtcdError(error);
        if (failure.code === grpc.NOT_FOUND) throw new LeaseLost();
        if (!tryElsewhere.includes(failure.code)) break;
        // A member that gave no answer in all its time gets no second chance in the same call.
        if (failure.code === grpc.DEADLINE_EXCEEDED && endpoints.length === 1) break;
      }
    }
    throw this.#unavailable(
      this.#closed.signal.aborted ? "it is closed" : failure!.message,
      failure,
    );
  }

  async #authenticated<T>(
    member: string,
    attempt: (member: string, token?: string) => Promise<T>,
  ): Promise<T> {
    if (!this.#options.username) return await attempt(member);
    try {
      return await attempt(member, await this.#logIn(member));
    } catch (error) {
      if (asEtcdError(error).code !== grpc.UNAUTHENTICATED) throw error;
      // Tokens end: by their time, and when etcd restarts.
      this.#token = undefined;
      return await attempt(member, await this.#logIn(member));
    }
  }

  #logIn(member: string): Promise<string> {
    if (this.#token) return this.#token;
    const { username: name, password = "" } = this.#options;
    const signal = AbortSignal.any([AbortSignal.timeout(callTimeoutMs), this.#closed.signal]);
    const token = this.#transport.call(member, "/v3/auth/authenticate", { name, password }, {
      signal,
    })
      .then((response) => response.json())
      .then((answer: { token: string }) => answer.token);
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  #unavailable(text: string, cause?: unknown): ServerledgeError {
    const reason = text.replaceAll(/\s+/g, " ");
    this.#problem = { reason, since: this.#problem?.since ?? performance.now() };
    return new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry etcd (${
        this.#options.endpoints.join(", ")
      }) cannot be used: ${reason}; see that it runs, can be reached and knows this node's user`,
      { cause },
    );
  }
}

interface WatchResult {
  readonly header: { readonly revision: string };
  readonly canceled?: boolean;
  readonly cancel_reason?: string;
  readonly events?: readonly { readonly type?: "PUT" | "DELETE"; readonly kv: KeyValue }[];
}

function entryOf({ key, value = "" }: KeyValue): Entry {
  return {
    key: new TextDecoder().decode(Uint8Array.fromBase64(key)),
    value: Uint8Array.fromBase64(value),
  };
}
