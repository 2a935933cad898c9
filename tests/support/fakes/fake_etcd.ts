/**
 * An etcd with one prefix of keys in memory, whose streams of changes a test controls.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  Change,
  Changes,
  Entry,
  EtcdClient,
} from "../../../lib/registry/etcd/client/client.ts";
import type { Transaction } from "../../../lib/registry/etcd/client/requests.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Simulates an etcd for what follows one prefix. Transactions have at most one condition: an absent key. */
export class FakeEtcd {
  /** Revision of the latest write. */
  revision = 1;
  /** Values by key. */
  readonly values = new Map<string, string>();
  /** Whether streams carry changes. */
  delivers = true;
  /** Error of the next listing. */
  failure: Error | undefined;
  /** Number of listings so far. */
  listings = 0;
  readonly #prefix: string;
  #apply: ((changes: Changes) => void) | undefined;
  #opened = Promise.withResolvers<void>();

  /** Creates an empty etcd; `prefix` is that of the followed keys. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The fake as a client. */
  get client(): EtcdClient {
    return this as unknown as EtcdClient;
  }

  /** Resolves when the next stream is open. */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Writes the value of a name below the prefix, or deletes it. */
  write(name: string, value: string | undefined): void {
    this.revision++;
    const key = this.#prefix + name;
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    const change: Change = { key, value: encoder.encode(value), removed: value === undefined };
    if (this.delivers) this.#apply?.({ revision: this.revision, changes: [change] });
  }

  /** Lists all values below the prefix. */
  list() {
    this.listings++;
    const { failure } = this;
    this.failure = undefined;
    if (failure) return Promise.reject(failure);
    return Promise.resolve({ entries: this.#entries(), revision: this.revision });
  }

  /** Counts the values below the prefix. */
  summarize() {
    return Promise.resolve({ count: this.#entries().length, written: this.revision });
  }

  /** Reads a key. */
  get(key: string) {
    return Promise.resolve(this.#read(key));
  }

  /** Carries out a transaction. */
  transact({ compare, success, failure = [] }: Transaction) {
    const [condition] = compare;
    const succeeded = condition === undefined ||
      !this.values.has(decoder.decode(condition.key as Uint8Array));
    let read: Uint8Array | undefined;
    for (const { request_put: write, request_range: range } of succeeded ? success : failure) {
      if (range) read = this.#read(decoder.decode(range.key as Uint8Array));
      if (!write) continue;
      this.revision++;
      this.values.set(
        decoder.decode(write.key as Uint8Array),
        decoder.decode(write.value as Uint8Array),
      );
    }
    return Promise.resolve({ succeeded, read, revision: this.revision });
  }

  /** Streams changes until the signal is aborted. */
  watch(_: string, from: number, apply: (changes: Changes) => void, signal: AbortSignal) {
    assert.equal(from, this.revision + 1, "nothing is missed between listing and stream");
    this.#apply = apply;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    return new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => {
        this.#apply = undefined;
        reject(signal.reason);
      });
    });
  }

  #entries(): Entry[] {
    return [...this.values]
      .filter(([key]) => key.startsWith(this.#prefix))
      .map(([key, value]) => ({ key, value: encoder.encode(value) }));
  }

  #read(key: string): Uint8Array | undefined {
    const value = this.values.get(key);
    return value === undefined ? undefined : encoder.encode(value);
  }
}
