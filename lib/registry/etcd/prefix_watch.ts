/**
 * Follows the values under a prefix in etcd: lists them, then streams later changes, and lists all
 * again whenever the stream breaks. Another listing costs little, since streams seldom break. It is
 * correct whatever happened in the meantime: a restart, a compaction, or another etcd.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import type { Changes, Entry, EtcdClient } from "./client/client.ts";

/** Pause before a broken watch is resumed, ms. */
const resumeMs = 500;

/** Maximum delay of a change in the stream, ms. */
const echoMs = 400;

/** Ends a stream of changes and lists all values again at once. */
class StartOver extends Error {}

/** Follows the values under one prefix. A subclass stores them and starts with {@link follow}. */
export abstract class PrefixWatch implements AsyncDisposable {
  /** Calls etcd; outlives the watch. */
  protected readonly client: EtcdClient;
  readonly #prefix: string;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  /** Keys of all values, including unreadable ones. */
  readonly #keys = new Set<string>();
  #running: Promise<void> | undefined;
  #stream: AbortController | undefined;
  #revision = 0;
  /** Revision of the stream when a change seemed to be missing. */
  #suspectedAt: number | undefined;

  /**
   * Creates a watch that follows nothing until {@link PrefixWatch.follow}.
   *
   * @param client calls etcd; outlives the watch
   * @param prefix prefix of the followed keys
   */
  constructor(client: EtcdClient, prefix: string) {
    this.client = client;
    this.#prefix = prefix;
  }

  /** Resolves after the first listing. */
  get listed(): Promise<void> {
    return this.#first.promise;
  }

  /** Latest revision that was seen. */
  protected get revision(): number {
    return this.#revision;
  }

  /**
   * Ends the stream of changes, after which everything is listed again.
   *
   * @param reason for the log
   */
  startOver(reason: string): void {
    this.#stream?.abort(new StartOver(reason));
  }

  /**
   * Starts over if a completed change does not arrive soon: the stream may be connected to a member
   * that hangs, while another member accepted the change.
   */
  async expect(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    await pause(echoMs, this.#stop.signal);
    if (this.#revision < revision) this.startOver("etcd withheld changes");
  }

  /**
   * Starts over if changes were missed: the stream of a connection that has failed unnoticed delivers
   * nothing and reports no error.
   */
  async checkProgress(): Promise<void> {
    const before = this.#revision;
    const { count, written } = await this.client.summarize(this.#prefix);
    const missed = written > this.#revision || count !== this.#keys.size;
    // A change in transit will have arrived by the next check.
    if (missed && this.#suspectedAt === before) this.startOver("etcd withheld changes");
    this.#suspectedAt = missed ? before : undefined;
  }

  /** Stops following. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.startOver("the node is shutting down");
    await this.#running;
  }

  /** Starts to follow; called once, by the constructor of a subclass. */
  protected follow(): void {
    this.#running = this.#run();
  }

  /** Prepares a listing; called before each one. */
  protected async prepare(): Promise<void> {}

  /** Applies a listing, which replaces all values. */
  protected abstract replace(entries: readonly Entry[]): void;

  /** Applies a written value. */
  protected abstract put(entry: Entry): void;

  /** Applies a deletion; the name is the key without the prefix. */
  protected abstract remove(name: string): void;

  /** Handles the failure of a listing or the end of its stream. */
  protected abstract interrupted(reason: string | undefined): void;

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#list();
        await this.#watch();
        this.interrupted(undefined);
      } catch (error) {
        this.interrupted(this.#stop.signal.aborted ? undefined : (error as Error).message);
        if (error instanceof StartOver) continue;
      }
      await pause(resumeMs, this.#stop.signal);
    }
  }

  async #list(): Promise<void> {
    await this.prepare();
    const { entries, revision } = await this.client.list(this.#prefix);
    this.#keys.clear();
    for (const { key } of entries) this.#keys.add(key);
    this.#revision = revision;
    this.replace(entries);
    this.#first.resolve();
  }

  /** Applies changes until the stream ends. */
  async #watch(): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    if (this.#stop.signal.aborted) return;
    try {
      const apply = (changes: Changes) => this.#apply(changes);
      await this.client.watch(this.#prefix, this.#revision + 1, apply, stream.signal);
    } finally {
      this.#stream = undefined;
    }
  }

  #apply({ revision, changes }: Changes): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const change of changes) {
      if (change.removed) {
        this.#keys.delete(change.key);
        this.remove(change.key.slice(this.#prefix.length));
      } else {
        this.#keys.add(change.key);
        this.put(change);
      }
    }
  }
}
