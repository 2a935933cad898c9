/**
 * The policy's view of this node and its neighbours, computed only as far as it is read.
 *
 * @module
 */

import type { Peers } from "../cluster/peers/peers.ts";
import type { FunctionRecord } from "../model/function.ts";
import { needOf } from "../images/needs.ts";
import type { Estimates, NodeView, PeerView } from "../policy/contract.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { Pool } from "../pool/pool.ts";
import type { Shortage } from "../pool/shortage.ts";
import type { EstimateTable } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { NodeName } from "./report.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** Property of a request that forbids it to run on a node. */
export type Mismatch = "architecture" | "locality";

/** Sources of a view's data. */
export interface ViewSources {
  readonly queue: WaitQueue<Invocation>;
  readonly pool: Pool;
  readonly ledger: ResourceLedger;
  readonly estimates: EstimateTable;
  readonly peers: Pick<Peers, "near" | "cloud">;
  /** Whether the image that a function needs is present; absent if none is needed. */
  readonly images?: { has(record: FunctionRecord): boolean };
  readonly node: NodeName;
  /** Returns what forbids the request to run on this node. */
  readonly mismatch: (invocation: Invocation) => Mismatch | undefined;
  /** Returns the areas in which the request may run; undefined for any. */
  readonly areas: (invocation: Invocation) => readonly string[] | undefined;
  /** Capacity of the wait queue, requests. */
  readonly queueCapacity: number;
}

/** The node as one request sees it, in the current tick. */
export class LocalView implements NodeView {
  readonly #invocation: Invocation;
  /** True if the request is in the queue already. */
  readonly #isQueued: boolean;
  readonly #sources: ViewSources;

  /**
   * Creates a view that is valid in the current tick.
   *
   * @param isQueued true if the request is in the wait queue already
   */
  constructor(invocation: Invocation, isQueued: boolean, sources: ViewSources) {
    this.#invocation = invocation;
    this.#isQueued = isQueued;
    this.#sources = sources;
  }

  get supported(): boolean {
    const { mismatch, pool } = this.#sources;
    return mismatch(this.#invocation) === undefined && pool.fits(this.#invocation.record);
  }

  get warm(): boolean {
    return this.#sources.pool.isWarm(this.#invocation.record);
  }

  get canStart(): boolean {
    const instances = this.#instancesNeeded;
    return instances <= 0 || this.#sources.pool.canStart(this.#invocation.record, instances);
  }

  /** Missing resource that prevents the request from running on this node now. */
  get shortage(): Shortage {
    return this.#sources.pool.shortage(this.#invocation.record, Math.max(1, this.#instancesNeeded));
  }

  get imageMissing(): boolean {
    return this.#sources.images?.has(this.#invocation.record) === false && !this.warm;
  }

  get queueLength(): number {
    const itself = this.#isQueued && !this.#invocation.startsInstance ? 1 : 0;
    return this.#sources.queue.queued - itself;
  }

  get queueCapacity(): number {
    return this.#sources.queueCapacity;
  }

  get queueWaitMs(): number {
    const { pool, queue } = this.#sources;
    const slots = pool.slots(this.#invocation.record);
    if (slots === 0) return this.local.startMs;
    return queue.ahead(this.#invocation) * this.local.executionMs / slots;
  }

  get availableMemoryMib(): number {
    return this.#sources.ledger.availableMemory;
  }

  get freeMemoryMib(): number {
    return this.#sources.ledger.freeMemory;
  }

  get totalMemoryMib(): number {
    return this.#sources.ledger.balance.totalMemory;
  }

  get freeCpu(): number {
    return this.#sources.ledger.freeCpu;
  }

  get totalCpu(): number {
    return this.#sources.ledger.balance.totalCpu;
  }

  get local(): Estimates {
    return this.#sources.estimates.of(this.#invocation.record.name).local;
  }

  get remote(): Estimates {
    return this.#sources.estimates.of(this.#invocation.record.name).remote;
  }

  get peers(): readonly PeerView[] {
    return this.#sources.peers.near(this.#eligibility);
  }

  get cloud(): PeerView | undefined {
    return this.#sources.peers.cloud(this.#eligibility);
  }

  /** Number of instances that would have to be started for all queued requests and this one. */
  get #instancesNeeded(): number {
    const { record } = this.#invocation;
    const unserved = this.#waiting + (this.#isQueued ? 0 : 1) -
      this.#sources.pool.startingSlots(record);
    return Math.ceil(unserved / record.maxConcurrency);
  }

  get #waiting(): number {
    return this.#sources.queue.count(this.#invocation.record.version);
  }

  get #eligibility() {
    const { record, visited } = this.#invocation;
    return {
      functionName: record.name,
      need: needOf(record),
      architectures: record.architectures,
      areas: this.#sources.areas(this.#invocation),
      visited,
    };
  }
}
