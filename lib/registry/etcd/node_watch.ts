/**
 * Follows the nodes in etcd.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { Listeners } from "../../base/listeners.ts";
import { logger } from "../../base/log.ts";
import { type NodeRecord, storedNodeSchema } from "../../model/node.ts";
import type { Entry, EtcdClient } from "./client/client.ts";
import { nodesPrefix } from "./keys.ts";
import { leaseTtlS } from "./nodes.ts";
import type { EtcdOptions } from "./client/options.ts";
import { PrefixWatch } from "./prefix_watch.ts";
import { readRecord, UnreadableValues } from "../records.ts";
import type { NodeObserver } from "../registry.ts";

/** Time for which nodes that are missing after an outage stay known, ms; they may register again. */
const missingGraceMs = (leaseTtlS + 5) * 1000;

/** Follows the nodes in etcd. */
export class NodeWatch extends PrefixWatch {
  readonly #clock: Clock;
  readonly #memory: EtcdOptions["knownNodes"];
  readonly #observers = new Listeners<NodeObserver>("registry");
  #isListed = false;
  readonly #known = new Map<string, NodeRecord>();
  readonly #unreadable = new UnreadableValues();
  /** Known nodes that are missing in etcd: the time since when, by id. */
  readonly #missing = new Map<string, number>();
  #endGrace: (() => void) | undefined;

  /**
   * Starts to follow the nodes.
   *
   * @param client calls etcd; outlives the watch
   * @param clock times how long nodes are missing
   * @param memory stores the known nodes, read if etcd is unavailable at the start; outlives the watch
   */
  constructor(client: EtcdClient, clock: Clock, memory?: EtcdOptions["knownNodes"]) {
    super(client, nodesPrefix);
    this.#clock = clock;
    this.#memory = memory;
    this.follow();
  }

  /**
   * Adds an observer, and reports the known nodes to it. Before etcd has responded, these are the last
   * known nodes.
   *
   * @returns the subscription, which disposal ends
   */
  observe(observer: NodeObserver): Disposable {
    if (!this.#isListed && this.#known.size === 0) {
      for (const record of this.#memory?.read() ?? []) this.#known.set(record.id, record);
    }
    observer.reset([...this.#known.values()]);
    return this.#observers.add(observer);
  }

  /** Restarts if changes were missed, and removes nodes that were missing for too long. */
  override checkProgress(): Promise<void> {
    this.#dropMissing();
    return super.checkProgress();
  }

  /** Stops following. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#unreadable[Symbol.dispose]();
  }

  /** Applies a listing of all nodes; missing nodes stay known for a while. */
  protected override replace(entries: readonly Entry[]): void {
    const listed = new Map<string, NodeRecord>();
    for (const entry of entries) {
      const record = readNode(entry, this.#unreadable);
      if (record) listed.set(record.id, record);
    }
    const now = this.#clock.now();
    for (const id of this.#known.keys()) {
      if (!listed.has(id) && !this.#missing.has(id)) this.#missing.set(id, now);
    }
    for (const [id, record] of listed) this.#keep(id, record);
    this.#dropMissing();
    this.#isListed = true;
    this.#tell((observer) => observer.reset([...this.#known.values()]));
    if (this.#missing.size > 0) {
      this.#endGrace = this.#clock.after(missingGraceMs, () => this.#dropMissing());
    }
  }

  /** Adds a registered node. */
  protected override put(entry: Entry): void {
    const record = readNode(entry, this.#unreadable);
    if (!record) return;
    this.#keep(record.id, record);
    this.#tell((observer) => observer.put(record));
  }

  /** Removes a node. */
  protected override remove(id: string): void {
    this.#missing.delete(id);
    if (!this.#known.delete(id)) return;
    this.#tell((observer) => observer.remove(id));
  }

  /** Cancels the removal of missing nodes. */
  protected override interrupted(reason: string | undefined): void {
    this.#endGrace?.();
    if (reason === undefined) return;
    logger("registry").debug("The watch of nodes ended, resuming: {reason}", { reason });
  }

  #keep(id: string, record: NodeRecord): void {
    this.#known.set(id, record);
    this.#missing.delete(id);
  }

  /** Removes nodes that did not register again in time after an outage. */
  #dropMissing(): void {
    const now = this.#clock.now();
    for (const [id, since] of this.#missing) if (now - since >= missingGraceMs) this.remove(id);
  }

  #tell(say: (observer: NodeObserver) => void): void {
    this.#memory?.keep([...this.#known.values()]);
    this.#observers.each(say);
  }
}

function readNode({ key, value }: Entry, unreadable: UnreadableValues): NodeRecord | undefined {
  const record = readRecord(storedNodeSchema, new TextDecoder().decode(value), key, unreadable);
  if (!record || nodesPrefix + record.id === key) return record;
  unreadable.add(key, "it contains a node with another id");
  return undefined;
}
