/**
 * Following the functions in etcd: a listing, then the changes since, and all again whenever the
 * stream of changes breaks. Listing again costs little, since streams seldom break, and it is right
 * whatever happened meanwhile: a restart, a compaction, another etcd.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import { logger } from "../../base/log.ts";
import { randomId } from "../../base/ids.ts";
import { type FunctionRecord, functionRecordSchema } from "../../model/function.ts";
import type { Changes, Entry, EtcdClient } from "./client/client.ts";
import { functionsPrefix, identityKey } from "./keys.ts";
import { absent, put, read } from "./client/requests.ts";
import { Observers } from "../observers.ts";
import { parseRecord, type ReadRecord, UnreadableValues } from "../records.ts";
import type { DamagedFunction, FunctionObserver } from "../registry.ts";

/** Pause before etcd is tried again, ms. */
const retryMs = 500;

/** How long a change that was made may take to come, ms. */
const echoMs = 400;

/** How long etcd may take to tell its identity, ms; short, since it tells whether etcd answers. */
const identityTimeoutMs = 2000;

/** Puts the functions back that an emptied etcd has lost. */
export type Restore = (lost: FunctionRecord[]) => Promise<void>;

/** Ends a stream whose functions are listed again at once. */
class StartOver extends Error {}

/** Follows the functions in etcd. */
export class FunctionWatch implements AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #restore: Restore;
  readonly #observers = new Observers();
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  /** All functions, as far as they are known. */
  readonly #known = new Map<string, FunctionRecord>();
  /** Those that cannot be read. */
  readonly #damaged = new Map<string, DamagedFunction>();
  /** The data that is followed; undefined until etcd has answered once. */
  #identity: string | undefined;
  /** Latest state of that data that was seen. */
  #revision = 0;
  #stream: AbortController | undefined;
  /** Keys of all functions, also of those that cannot be read. */
  readonly #keys = new Set<string>();
  readonly #unreadable = new UnreadableValues();
  /** Where the stream was when a change seemed to be missing. */
  #suspectedAt: number | undefined;
  readonly #running: Promise<void>;

  /**
   * Starts to follow.
   *
   * @param client calls etcd; outlives the watch
   * @param restore called before an emptied etcd is listed
   */
  constructor(client: EtcdClient, restore: Restore) {
    this.#client = client;
    this.#restore = restore;
    this.#running = this.#run();
  }

  /** Resolves when the functions were listed for the first time. */
  get listed(): Promise<void> {
    return this.#first.promise;
  }

  /**
   * Adds an observer, and tells it all functions if they have been listed.
   *
   * @returns removes it again
   */
  observe(observer: FunctionObserver): Disposable {
    if (this.#identity !== undefined) {
      observer.reset([...this.#known.values()], [...this.#damaged.values()]);
    }
    return this.#observers.add(observer);
  }

  /**
   * Starts over if a change that was made does not come soon: the stream may be on a member that
   * hangs, while another took the change.
   *
   * @param revision when it was made
   */
  async expect(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    await pause(echoMs, this.#stop.signal);
    if (this.#revision < revision) this.startOver("it kept changes back");
  }

  /** Starts over if etcd holds other data than is followed. */
  async checkIdentity(): Promise<void> {
    const followed = this.#identity;
    const present = await this.#client.get(identityKey, identityTimeoutMs);
    // Without data that is followed, the answer may be older than what was found meanwhile.
    if (followed !== undefined && followed !== (present && new TextDecoder().decode(present))) {
      this.startOver("it holds other data");
    }
  }

  /**
   * Starts over if changes were missed: where a connection has died silently, the stream of changes
   * just says nothing.
   */
  async checkProgress(): Promise<void> {
    const before = this.#revision;
    const { count, written } = await this.#client.summarize(functionsPrefix);
    const missed = written > this.#revision || count !== this.#keys.size;
    // A change that is on its way now has come by the next look.
    if (missed && this.#suspectedAt === before) this.startOver("it kept changes back");
    this.#suspectedAt = missed ? before : undefined;
  }

  /**
   * Ends the stream of changes, so that all functions are listed again.
   *
   * @param reason for the log
   */
  startOver(reason: string): void {
    this.#stream?.abort(new StartOver(reason));
  }

  /** Stops following. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.startOver("this node stops");
    await this.#running;
    this.#unreadable[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    let complained = false;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#synchronize();
        complained = false;
        await this.#follow();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const { message: reason } = error as Error;
        if (!complained) {
          logger("registry").warn("Lost touch with etcd, trying on: {reason}", { reason });
        }
        complained = true;
        if (error instanceof StartOver) continue;
      }
      await pause(retryMs, this.#stop.signal);
    }
  }

  /** Lists the functions, after putting back what an emptied etcd has lost. */
  async #synchronize(): Promise<void> {
    const { identity, revision } = await this.#identify();
    const emptied = this.#identity !== undefined &&
      // An older state of the same data was restored from a backup, if the revision went back.
      (identity !== this.#identity || revision < this.#revision);
    if (emptied && this.#known.size > 0) {
      logger("registry").warn("etcd has lost its data: putting back {count} functions", {
        count: this.#known.size,
      });
      await this.#restore([...this.#known.values()]);
    }
    const listing = await this.#client.list(functionsPrefix);
    this.#known.clear();
    this.#damaged.clear();
    this.#keys.clear();
    for (const entry of listing.entries) this.#read(entry);
    this.#identity = identity;
    this.#revision = listing.revision;
    this.#observers.reset([...this.#known.values()], [...this.#damaged.values()]);
    this.#first.resolve();
  }

  /** The identity of the data; new data gets one. */
  async #identify(): Promise<{ identity: string; revision: number }> {
    const fresh = randomId();
    const { succeeded, read: present, revision } = await this.#client.transact({
      compare: [absent(identityKey)],
      success: [put(identityKey, fresh)],
      failure: [read(identityKey)],
    });
    const identity = succeeded ? fresh : new TextDecoder().decode(present);
    return { identity, revision };
  }

  /** Passes changes on until the stream ends. */
  async #follow(): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    if (this.#stop.signal.aborted) return;
    try {
      const apply = (changes: Changes) => this.#apply(changes);
      await this.#client.watch(functionsPrefix, this.#revision + 1, apply, stream.signal);
    } finally {
      this.#stream = undefined;
    }
  }

  #apply({ revision, changes }: Changes): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const change of changes) {
      const name = change.key.slice(functionsPrefix.length);
      if (change.removed) {
        this.#keys.delete(change.key);
        this.#known.delete(name);
        this.#damaged.delete(name);
        this.#observers.remove(name);
        continue;
      }
      const read = this.#read(change);
      if ("record" in read) this.#observers.put(read.record);
      else this.#observers.damage({ name, problem: read.problem });
    }
  }

  /** Keeps what was read, or that it cannot be read. */
  #read(entry: Entry): ReadRecord<FunctionRecord> {
    const name = entry.key.slice(functionsPrefix.length);
    const read = readFunction(entry);
    this.#keys.add(entry.key);
    if ("record" in read) {
      this.#known.set(name, read.record);
      this.#damaged.delete(name);
    } else {
      this.#unreadable.add(entry.key, read.problem);
      this.#damaged.set(name, { name, problem: read.problem });
    }
    return read;
  }
}

function readFunction({ key, value }: Entry): ReadRecord<FunctionRecord> {
  const read = parseRecord(functionRecordSchema, new TextDecoder().decode(value));
  if ("problem" in read || functionsPrefix + read.record.Name === key) return read;
  return { problem: "it holds a function of another name" };
}
