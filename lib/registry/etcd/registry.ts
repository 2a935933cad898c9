/**
 * The cluster's registry, in etcd.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { pause, withTimeout } from "../../base/async.ts";
import { systemClock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { functionNames, type FunctionRecord } from "../../model/function.ts";
import { type NodeRecord, storedNodeSchema } from "../../model/node.ts";
import { EtcdClient } from "./client/client.ts";
import { callTimeoutMs } from "./cluster.ts";
import { EtcdCode } from "./code.ts";
import { functionKey, nodesPrefix } from "./keys.ts";
import { SharedLeases } from "./client/leases.ts";
import type { EtcdOptions } from "./client/options.ts";
import { absent, type Operation, put, read, remove } from "./client/requests.ts";
import type { Collection, RecordKind } from "../collection.ts";
import { EtcdCollection } from "./collection.ts";
import { NodeWatch } from "./node_watch.ts";
import type { PrefixWatch } from "./prefix_watch.ts";
import { NodeRegistration } from "./nodes.ts";
import { readIdentity, type RestoringWatch } from "./restoring_watch.ts";
import { EtcdResults } from "./results.ts";
import { FunctionWatch } from "./watch.ts";
import { readRecord } from "../records.ts";
import type {
  AsyncResult,
  FunctionObserver,
  NodeObserver,
  Registration,
  Registry,
  RegistryHealth,
} from "../registry.ts";
import { forEach } from "./steps.ts";

/** Interval of checks that etcd responds and has the same data, ms. */
const heartbeatMs = 2000;
/** Number of heartbeats between two checks for missed changes. */
const progressBeats = 15;
/**
 * The same with several members. The member of a watch may hang while the others respond to all calls.
 */
const progressBeatsOfMany = 2;
/** Number of failed heartbeats in a row after which the watch's connection is considered dead. */
const fatalBeats = 3;
/** Longest wait of the first watch for an unavailable etcd, ms. */
const firstWatchMs = 5000;
/** Number of functions restored in parallel to an emptied etcd. */
const parallelRestores = 16;

/** Maximum size of a function record, bytes; etcd accepts requests up to 1.5 MiB by default. */
const maxRecordBytes = 1 << 20;

/**
 * Connects to the cluster's registry. While etcd is unavailable, calls fail; watches and registrations
 * resume by themselves.
 *
 * @param options endpoints and credentials of etcd, and how to recover lost data
 */
export function connectEtcd(options: EtcdOptions): Registry {
  return new EtcdRegistry(options);
}

class EtcdRegistry implements Registry {
  readonly description: string;
  readonly #client: EtcdClient;
  readonly #leases: SharedLeases;
  readonly #code: EtcdCode;
  readonly #results: EtcdResults;
  readonly #watch: FunctionWatch;
  /** Created on first use. */
  #nodes: NodeWatch | undefined;
  /** By the name of their kind, created on first use. */
  readonly #collections = new Map<string, EtcdCollection<unknown>>();
  readonly #progressBeats: number;
  readonly #recoverCode: (hash: string) => Promise<Uint8Array | undefined>;
  readonly #knownNodes: EtcdOptions["knownNodes"];
  readonly #stop = new AbortController();
  readonly #heart: Promise<void>;
  /** Hashes of code that an emptied etcd may lack. */
  readonly #lostCode = new Set<string>();

  constructor(options: EtcdOptions) {
    this.description = `etcd (${options.endpoints.join(", ")})`;
    this.#client = new EtcdClient(options);
    this.#progressBeats = options.endpoints.length > 1 ? progressBeatsOfMany : progressBeats;
    const now = () => systemClock.now();
    this.#leases = new SharedLeases((seconds) => this.#client.grantLease(seconds), now);
    this.#code = new EtcdCode(this.#client, this.#leases, now);
    this.#results = new EtcdResults(this.#client, this.#leases);
    this.#recoverCode = options.recoverCode ?? (() => Promise.resolve(undefined));
    this.#knownNodes = options.knownNodes;
    this.#watch = new FunctionWatch(this.#client, (lost) => this.#restore(lost));
    this.#heart = this.#beat();
  }

  health(): RegistryHealth {
    return this.#client.health();
  }

  async createFunction(record: FunctionRecord): Promise<boolean> {
    const key = functionKey(record.name);
    const value = valueOf(record);
    const unpin = this.#unpin(record.codeHash);
    const { succeeded, revision, read: present } = await this.#client.transact({
      compare: [absent(key)],
      success: [put(key, value), ...unpin],
      failure: [read(key), ...unpin],
    });
    // A repeated call may see the write of its first attempt.
    const isWritten = succeeded || new TextDecoder().decode(present) === value;
    if (isWritten) void this.#watch.expect(revision);
    return isWritten;
  }

  async putFunction(record: FunctionRecord): Promise<void> {
    const write = put(functionKey(record.name), valueOf(record));
    const { revision } = await this.#client.transact({
      compare: [],
      success: [write, ...this.#unpin(record.codeHash)],
    });
    void this.#watch.expect(revision);
  }

  async deleteFunction(name: string): Promise<boolean> {
    const { removed, revision } = await this.#client.transact({
      compare: [],
      success: [remove(functionKey(name))],
    });
    if (removed > 0) void this.#watch.expect(revision);
    return removed > 0;
  }

  async watchFunctions(observer: FunctionObserver): Promise<Disposable> {
    await withTimeout(this.#watch.listed, firstWatchMs);
    return this.#watch.observe(observer);
  }

  collection<T>(kind: RecordKind<T>): Collection<T> {
    const known = this.#collections.get(kind.name) as EtcdCollection<T> | undefined;
    if (known) return known;
    const collection = new EtcdCollection(this.#client, kind, firstWatchMs);
    this.#collections.set(kind.name, collection as EtcdCollection<unknown>);
    return collection;
  }

  putCode(hash: string, code: Uint8Array): Promise<void> {
    return this.#code.put(hash, code);
  }

  getCode(hash: string): Promise<Uint8Array | undefined> {
    return this.#code.get(hash);
  }

  collectCode(): Promise<number> {
    return this.#code.collect();
  }

  putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void> {
    return this.#results.put(id, result, ttlMs);
  }

  getResult(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined> {
    return this.#results.get(id, reserve);
  }

  pendingResults(node: string): Promise<string[]> {
    return this.#results.pending(node);
  }

  registerNode(
    record: NodeRecord,
    isAlive: (other: NodeRecord) => Promise<boolean> = () => Promise.resolve(false),
  ): Registration {
    return new NodeRegistration(this.#client, record, isAlive);
  }

  async registeredNode(id: string): Promise<NodeRecord | undefined> {
    const key = nodesPrefix + id;
    const value = await this.#client.get(key, callTimeoutMs);
    return value && readRecord(storedNodeSchema, new TextDecoder().decode(value), key);
  }

  async watchNodes(observer: NodeObserver): Promise<Disposable> {
    const nodes = this.#nodes ??= new NodeWatch(this.#client, systemClock, this.#knownNodes);
    // If etcd is unavailable, the watch of functions has waited for it already, and the node can start
    // without nodes.
    if (this.#client.health().ok) await withTimeout(nodes.listed, firstWatchMs);
    return nodes.observe(observer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#client[Symbol.dispose]();
    await this.#watch[Symbol.asyncDispose]();
    await this.#nodes?.[Symbol.asyncDispose]();
    for (const collection of this.#collections.values()) await collection[Symbol.asyncDispose]();
    await this.#heart;
  }

  /** Returns everything that is followed. */
  #watches(): PrefixWatch[] {
    const restoring = this.#restoring();
    return this.#nodes ? [...restoring, this.#nodes] : restoring;
  }

  /** Returns the watches of data that is put back into an emptied etcd. */
  #restoring(): RestoringWatch[] {
    const collections = [...this.#collections.values()].map(({ followed }) => followed);
    return [this.#watch, ...collections].filter((watch) => watch !== undefined);
  }

  /** Returns the operation that removes the pin of code whose function is being written, if any. */
  #unpin(hash: string): Operation[] {
    const pin = hash === "" ? undefined : this.#code.unpin(hash);
    return pin === undefined ? [] : [remove(pin)];
  }

  /** Checks etcd periodically, which keeps its health current, and restores lost code. */
  async #beat(): Promise<void> {
    let failed = 0;
    for (let beats = 1; !this.#stop.signal.aborted; beats++) {
      try {
        const identity = readIdentity(this.#client);
        await Promise.all(this.#restoring().map((watch) => watch.checkIdentity(identity)));
        failed = 0;
        if (beats % this.#progressBeats < 2) {
          for (const watch of this.#watches()) await watch.checkProgress();
        }
        await this.#restoreCode();
      } catch {
        // The client records the problem for health(); the watch logs it.
        if (++failed === fatalBeats) {
          const reason = `${failed} requests in a row had no response`;
          for (const watch of this.#watches()) watch.startOver(reason);
        }
      }
      await pause(heartbeatMs, this.#stop.signal);
    }
  }

  /** Restores functions that an emptied etcd has lost, unless another node has restored them. */
  async #restore(lost: FunctionRecord[]): Promise<void> {
    this.#leases.clear();
    for (const { codeHash } of lost) if (codeHash !== "") this.#lostCode.add(codeHash);
    await forEach(lost, parallelRestores, async (record) => {
      await this.createFunction(record);
    });
  }

  /** Restores code that an emptied etcd has lost; the next heartbeat retries after a failure. */
  async #restoreCode(): Promise<void> {
    for (const hash of this.#lostCode) {
      const restored = await this.#code.restore(hash, () => this.#recover(hash));
      if (!restored) {
        logger("registry").warn("Code {hash} is lost: create its functions again", { hash });
      }
      this.#lostCode.delete(hash);
      this.#stop.signal.throwIfAborted();
    }
  }

  async #recover(hash: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#recoverCode(hash);
    } catch (error) {
      const { message: reason } = error as Error;
      logger("registry").warn("Code {hash} cannot be read: {reason}", { hash, reason });
      return undefined;
    }
  }
}

function valueOf(record: FunctionRecord): string {
  const value = JSON.stringify(functionNames.toWire(record));
  if (new TextEncoder().encode(value).length <= maxRecordBytes) return value;
  throw new ServerledgeError(
    "PAYLOAD_TOO_LARGE",
    `The definition of ${record.name} is larger than ${maxRecordBytes} bytes without its code: shorten Env or Signature`,
  );
}
