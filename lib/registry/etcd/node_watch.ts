/**
 * Following the nodes in etcd.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import type { Clock } from "../../base/clock.ts";
import { logger } from "../../base/log.ts";
import { type NodeRecord, nodeRecordSchema } from "../../model/node.ts";
import type { Changes, Entry, EtcdClient } from "./client/client.ts";
import { nodesPrefix } from "./keys.ts";
import { leaseTtlS } from "./nodes.ts";
import type { EtcdOptions } from "./client/options.ts";
import { readRecord, UnreadableValues } from "../records.ts";
import type { NodeObserver } from "../registry.ts";

/** Pause before a broken watch is resumed, ms. */
const resumeMs = 500;
/** How long nodes are kept that are missing after an outage, ms: they need time to register anew. */
const missingGraceMs = (leaseTtlS + 5) * 1000;

/** Follows the nodes in etcd: a listing, then the changes since, and again when the stream breaks. */
export class NodeWatch implements AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #memory: EtcdOptions["knownNodes"];
  readonly #observers = new Set<NodeObserver>();
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #isListed = false;
  readonly #known = new Map<string, NodeRecord>();
  /** Keys of all nodes, also of those that cannot be read. */
  readonly #keys = new Set<string>();
  readonly #unreadable = new UnreadableValues();
  /** Since when nodes that are known are missing in etcd, by id. */
  readonly #missing = new Map<string, number>();
  readonly #running: Promise<void>;
  #stream: AbortController | undefined;
  #revision = 0;
  #suspectedAt: number | undefined;

  /**
   * Starts to follow.
   *
   * @param client calls etcd; outlives the watch
   * @param clock how long nodes are missing
   * @param memory outlives the watch; asked if etcd is away at first
   */
  constructor(client: EtcdClient, clock: Clock, memory?: EtcdOptions["knownNodes"]) {
    this.#client = client;
    this.#clock = clock;
    this.#memory = memory;
    this.#running = this.#run();
  }

  /** Resolves when the nodes were listed for the first time. */
  get listed(): Promise<void> {
    return this.#first.promise;
  }

  /**
   * Adds an observer, and tells it what is known; before etcd has answered, that is what was known
   * last.
   *
   * @returns removes it again
   */
  observe(observer: NodeObserver): Disposable {
    if (!this.#isListed && this.#known.size === 0) {
      for (const record of this.#memory?.read() ?? []) this.#known.set(record.Id, record);
    }
    observer.reset([...this.#known.values()]);
    this.#observers.add(observer);
    return { [Symbol.dispose]: () => void this.#observers.delete(observer) };
  }

  /**
   * Ends the stream of changes, so that all nodes are listed again.
   *
   * @param reason for the log
   */
  startOver(reason: string): void {
    this.#stream?.abort(new Error(reason));
  }

  /** Starts over if the stream has died silently and changes were missed. */
  async checkProgress(): Promise<void> {
    this.#dropMissing();
    const before = this.#revision;
    const { count, written } = await this.#client.summarize(nodesPrefix);
    const missed = written > before || count !== this.#keys.size;
    // A change that is on its way now has come by the next look.
    if (missed && this.#suspectedAt === before) this.startOver("it kept changes back");
    this.#suspectedAt = missed ? before : undefined;
  }

  /** Stops following. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.startOver("this node stops");
    await this.#running;
    this.#unreadable[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#list();
        await this.#follow();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const { message: reason } = error as Error;
        logger("registry").debug("The watch of nodes ended, resuming: {reason}", { reason });
      }
      await pause(resumeMs, this.#stop.signal);
    }
  }

  async #list(): Promise<void> {
    const { entries, revision } = await this.#client.list(nodesPrefix);
    this.#revision = revision;
    const now = this.#clock.now();
    const listed = new Map<string, NodeRecord>();
    this.#keys.clear();
    for (const entry of entries) {
      this.#keys.add(entry.key);
      const record = readNode(entry, this.#unreadable);
      if (record) listed.set(record.Id, record);
    }
    for (const id of this.#known.keys()) {
      if (listed.has(id)) continue;
      if (!this.#missing.has(id)) this.#missing.set(id, now);
    }
    for (const [id, record] of listed) this.#keep(id, record);
    this.#dropMissing();
    this.#isListed = true;
    this.#tell((observer) => observer.reset([...this.#known.values()]));
    this.#first.resolve();
  }

  async #follow(): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    if (this.#stop.signal.aborted) return;
    const end = this.#missing.size > 0
      ? this.#clock.after(missingGraceMs, () => this.#dropMissing())
      : () => {};
    try {
      const apply = (changes: Changes) => this.#apply(changes);
      await this.#client.watch(nodesPrefix, this.#revision + 1, apply, stream.signal);
    } finally {
      end();
      this.#stream = undefined;
    }
  }

  #apply({ revision, changes }: Changes): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const change of changes) {
      if (change.removed) {
        this.#keys.delete(change.key);
        this.#drop(change.key.slice(nodesPrefix.length));
      } else {
        this.#keys.add(change.key);
        const record = readNode(change, this.#unreadable);
        if (!record) continue;
        this.#keep(record.Id, record);
        this.#tell((observer) => observer.put(record));
      }
    }
  }

  #keep(id: string, record: NodeRecord): void {
    this.#known.set(id, record);
    this.#missing.delete(id);
  }

  /** Gives up on nodes that did not register again in time after an outage. */
  #dropMissing(): void {
    const now = this.#clock.now();
    for (const [id, since] of this.#missing) if (now - since >= missingGraceMs) this.#drop(id);
  }

  #drop(id: string): void {
    this.#missing.delete(id);
    if (!this.#known.delete(id)) return;
    this.#tell((observer) => observer.remove(id));
  }

  #tell(say: (observer: NodeObserver) => void): void {
    this.#memory?.keep([...this.#known.values()]);
    for (const observer of this.#observers) {
      try {
        say(observer);
      } catch (error) {
        logger("registry").error("An observer of nodes failed: {error}", { error });
      }
    }
  }
}

function readNode({ key, value }: Entry, unreadable: UnreadableValues): NodeRecord | undefined {
  const record = readRecord(nodeRecordSchema, new TextDecoder().decode(value), key, unreadable);
  if (!record || nodesPrefix + record.Id === key) return record;
  unreadable.add(key, "it holds a node of another id");
  return undefined;
}
