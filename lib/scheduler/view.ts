/**
 * What the policy sees of this node and its neighbours, computed only as far as it looks.
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
import type { EstimateBook } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** What a view looks at. */
export interface ViewSources {
  /** The requests that wait. */
  readonly queue: WaitQueue<Invocation>;
  /** The node's instances. */
  readonly pool: Pool;
  /** The node's memory and CPU. */
  readonly ledger: ResourceLedger;
  /** What was measured. */
  readonly estimates: EstimateBook;
  /** The other nodes. */
  readonly peers: Pick<Peers, "near" | "cloud">;
  /** Whether the image that a function needs is there; absent where none needs one. */
  readonly images?: { has(record: FunctionRecord): boolean };
  /** Whether the request may run on this node: architecture, locality. */
  readonly supports: (invocation: Invocation) => boolean;
  /** Areas that the request may run in; undefined: any. */
  readonly areas: (invocation: Invocation) => readonly string[] | undefined;
  /** Most requests that may wait. */
  readonly queueCapacity: number;
}

/** The node as one request sees it, in this tick. */
export class LocalView implements NodeView {
  readonly #invocation: Invocation;
  /** True if the request is among those that wait already. */
  readonly #waits: boolean;
  readonly #sources: ViewSources;

  /**
   * A view that is valid in this tick.
   *
   * @param invocation the request
   * @param waits true if it is among those that wait already
   * @param sources what there is to see
   */
  constructor(invocation: Invocation, waits: boolean, sources: ViewSources) {
    this.#invocation = invocation;
    this.#waits = waits;
    this.#sources = sources;
  }

  /** See {@link NodeView}. */
  get supported(): boolean {
    const { supports, pool } = this.#sources;
    return supports(this.#invocation) && pool.fits(this.#invocation.record);
  }

  /** See {@link NodeView}. */
  get warm(): boolean {
    return this.#sources.pool.isWarm(this.#invocation.record);
  }

  /** See {@link NodeView}. */
  get canStart(): boolean {
    const instances = this.#unstarted;
    return instances <= 0 || this.#sources.pool.canStart(this.#invocation.record, instances);
  }

  /** What keeps the request from running here now. */
  get shortage(): Shortage {
    return this.#sources.pool.shortage(this.#invocation.record, Math.max(1, this.#unstarted));
  }

  /** See {@link NodeView}. */
  get imageMissing(): boolean {
    return this.#sources.images?.has(this.#invocation.record) === false && !this.warm;
  }

  /** See {@link NodeView}. */
  get queueLength(): number {
    const itself = this.#waits && !this.#invocation.promised ? 1 : 0;
    return this.#sources.queue.queued - itself;
  }

  /** See {@link NodeView}. */
  get queueCapacity(): number {
    return this.#sources.queueCapacity;
  }

  /** See {@link NodeView}. */
  get queueWaitMs(): number {
    const { pool, queue } = this.#sources;
    const slots = pool.slots(this.#invocation.record);
    if (slots === 0) return this.local.startMs;
    return queue.ahead(this.#invocation) * this.local.executionMs / slots;
  }

  /** See {@link NodeView}. */
  get availableMemoryMib(): number {
    return this.#sources.ledger.availableMemory;
  }

  /** See {@link NodeView}. */
  get freeMemoryMib(): number {
    return this.#sources.ledger.freeMemory;
  }

  /** See {@link NodeView}. */
  get totalMemoryMib(): number {
    return this.#sources.ledger.balance.totalMemory;
  }

  /** See {@link NodeView}. */
  get freeCpu(): number {
    return this.#sources.ledger.freeCpu;
  }

  /** See {@link NodeView}. */
  get totalCpu(): number {
    return this.#sources.ledger.balance.totalCpu;
  }

  /** See {@link NodeView}. */
  get local(): Estimates {
    return this.#sources.estimates.of(this.#invocation.record.Name).local;
  }

  /** See {@link NodeView}. */
  get remote(): Estimates {
    return this.#sources.estimates.of(this.#invocation.record.Name).remote;
  }

  /** See {@link NodeView}. */
  get peers(): readonly PeerView[] {
    return this.#sources.peers.near(this.#eligibility);
  }

  /** See {@link NodeView}. */
  get cloud(): PeerView | undefined {
    return this.#sources.peers.cloud(this.#eligibility);
  }

  /** Instances that would have to be started for all that wait, this request too. */
  get #unstarted(): number {
    const { record } = this.#invocation;
    const unserved = this.#waiting + (this.#waits ? 0 : 1) -
      this.#sources.pool.startingSlots(record);
    return Math.ceil(unserved / record.MaxConcurrency);
  }

  get #waiting(): number {
    return this.#sources.queue.count(this.#invocation.record.Version);
  }

  get #eligibility() {
    const { record, visited } = this.#invocation;
    return {
      functionName: record.Name,
      need: needOf(record),
      architectures: record.SupportedArchs,
      areas: this.#sources.areas(this.#invocation),
      visited,
    };
  }
}
