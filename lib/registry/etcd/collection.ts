/**
 * Collections of small records in etcd.
 *
 * @module
 */

import { withTimeout } from "../../base/async.ts";
import { Listeners } from "../../base/listeners.ts";
import {
  type Collection,
  type DamagedRecord,
  decodeRecord,
  encodeRecord,
  isStored,
  type RecordKind,
  type RecordObserver,
} from "../collection.ts";
import { type ReadRecord, UnreadableValues } from "../records.ts";
import type { Entry, EtcdClient } from "./client/client.ts";
import { absent, type Compare, holds, put, read, remove } from "./client/requests.ts";
import { callTimeoutMs } from "./cluster.ts";
import { recordsPrefix } from "./keys.ts";
import { RestoringWatch } from "./restoring_watch.ts";

/** A collection in etcd. Following it begins with the first use of {@link EtcdCollection.watch}. */
export class EtcdCollection<T> implements Collection<T>, AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #kind: RecordKind<T>;
  readonly #firstWatchMs: number;
  #watch: RecordWatch<T> | undefined;

  /**
   * Creates a collection that follows nothing.
   *
   * @param client calls etcd; outlives the collection
   * @param firstWatchMs longest wait of the first watch for an unavailable etcd, ms
   */
  constructor(client: EtcdClient, kind: RecordKind<T>, firstWatchMs: number) {
    this.#client = client;
    this.#kind = kind;
    this.#firstWatchMs = firstWatchMs;
  }

  /** The watch; undefined if nobody follows the collection. */
  get followed(): RestoringWatch | undefined {
    return this.#watch;
  }

  async create(record: T): Promise<boolean> {
    const { id, text } = encodeRecord(this.#kind, record);
    return await this.#writeIf(absent(this.#prefix + id), id, text);
  }

  async put(record: T): Promise<void> {
    const { id, text } = encodeRecord(this.#kind, record);
    const { revision } = await this.#client.transact({
      compare: [],
      success: [put(this.#prefix + id, text)],
    });
    void this.#watch?.expect(revision);
  }

  async replace(former: T, record: T): Promise<boolean> {
    const { id, text } = encodeRecord(this.#kind, record);
    const key = this.#prefix + id;
    const value = await this.#client.get(key, callTimeoutMs);
    const stored = new TextDecoder().decode(value);
    if (value === undefined || !isStored(this.#kind, stored, former)) return false;
    return await this.#writeIf(holds(key, stored), id, text);
  }

  async delete(id: string): Promise<boolean> {
    const { removed, revision } = await this.#client.transact({
      compare: [],
      success: [remove(this.#prefix + id)],
    });
    if (removed > 0) void this.#watch?.expect(revision);
    return removed > 0;
  }

  async watch(observer: RecordObserver<T>): Promise<Disposable> {
    const watch = this.#watch ??= new RecordWatch(this.#client, this.#kind, async (records) => {
      for (const record of records) await this.create(record);
    });
    // If etcd is unavailable, the watch of functions has waited for it already.
    if (this.#client.health().ok) await withTimeout(watch.listed, this.#firstWatchMs);
    return watch.observe(observer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }

  async #writeIf(condition: Compare, id: string, text: string): Promise<boolean> {
    const key = this.#prefix + id;
    const { succeeded, revision, read: present } = await this.#client.transact({
      compare: [condition],
      success: [put(key, text)],
      failure: [read(key)],
    });
    // A repeated call may see the write of its first attempt.
    const isWritten = succeeded || new TextDecoder().decode(present) === text;
    if (isWritten) void this.#watch?.expect(revision);
    return isWritten;
  }

  get #prefix(): string {
    return recordsPrefix(this.#kind.name);
  }
}

/** Follows the records of one kind. */
class RecordWatch<T> extends RestoringWatch {
  readonly #kind: RecordKind<T>;
  readonly #prefix: string;
  readonly #putBack: (records: T[]) => Promise<void>;
  readonly #observers = new Listeners<RecordObserver<T>>("registry");
  readonly #known = new Map<string, T>();
  readonly #damaged = new Map<string, DamagedRecord>();
  readonly #unreadable = new UnreadableValues();

  constructor(client: EtcdClient, kind: RecordKind<T>, putBack: (records: T[]) => Promise<void>) {
    const prefix = recordsPrefix(kind.name);
    super(client, prefix);
    this.#kind = kind;
    this.#prefix = prefix;
    this.#putBack = putBack;
    this.follow();
  }

  observe(observer: RecordObserver<T>): Disposable {
    if (this.isListed) this.#reportAll(observer);
    return this.#observers.add(observer);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#unreadable[Symbol.dispose]();
  }

  protected override restore(): Promise<void> {
    return this.#putBack([...this.#known.values()]);
  }

  protected override replace(entries: readonly Entry[]): void {
    this.#known.clear();
    this.#damaged.clear();
    for (const entry of entries) this.#read(entry);
    this.applied();
    this.#observers.each((observer) => this.#reportAll(observer));
  }

  protected override put(entry: Entry): void {
    const read = this.#read(entry);
    this.#observers.each((observer) =>
      "record" in read
        ? observer.put(read.record)
        : observer.damage({ id: this.#idOf(entry), problem: read.problem })
    );
  }

  protected override remove(id: string): void {
    const isKnown = this.#known.delete(id);
    if (this.#damaged.delete(id) || isKnown) {
      this.#observers.each((observer) => observer.remove(id));
    }
  }

  #reportAll(observer: RecordObserver<T>): void {
    observer.reset([...this.#known.values()], [...this.#damaged.values()]);
  }

  #idOf({ key }: Entry): string {
    return key.slice(this.#prefix.length);
  }

  /** Stores a record, or marks it as unreadable. */
  #read(entry: Entry): ReadRecord<T> {
    const id = this.#idOf(entry);
    const read = decodeRecord(this.#kind, id, new TextDecoder().decode(entry.value));
    this.#known.delete(id);
    this.#damaged.delete(id);
    if ("record" in read) {
      this.#known.set(id, read.record);
    } else {
      this.#unreadable.add(entry.key, read.problem);
      this.#damaged.set(id, { id, problem: read.problem });
    }
    return read;
  }
}
