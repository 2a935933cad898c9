/**
 * What the policy sees of this node, computed only as far as it looks.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { NodeView } from "../policy.ts";
import type { Pool } from "../pool/pool.ts";
import type { Waiter, WaitQueue } from "./wait_queue.ts";

/** The rest of what a view needs to know. */
export interface ViewFacts {
  /** Whether a function's image can run on the node's architecture. */
  readonly supports: (record: FunctionRecord) => boolean;
  /** Most requests that may wait for resources. */
  readonly queueCapacity: number;
}

/** The node as one request sees it. */
export class LocalView implements NodeView {
  readonly #record: FunctionRecord;
  readonly #queue: WaitQueue<Waiter>;
  readonly #pool: Pool;
  readonly #waiter: Waiter | undefined;
  readonly #facts: ViewFacts;

  /**
   * A view that is valid in this tick.
   *
   * @param record the function that is asked for
   * @param queue the requests that wait
   * @param pool the node's instances
   * @param waiter the request itself, if it is among those that wait already
   * @param facts what else counts
   */
  constructor(
    record: FunctionRecord,
    queue: WaitQueue<Waiter>,
    pool: Pool,
    waiter: Waiter | undefined,
    facts: ViewFacts,
  ) {
    this.#record = record;
    this.#queue = queue;
    this.#pool = pool;
    this.#waiter = waiter;
    this.#facts = facts;
  }

  /** See {@link NodeView}. */
  get supported(): boolean {
    return this.#facts.supports(this.#record) && this.#pool.fits(this.#record);
  }

  /** See {@link NodeView}. */
  get warm(): boolean {
    return this.#pool.isWarm(this.#record);
  }

  /** See {@link NodeView}. */
  get canStart(): boolean {
    const waiting = this.#queue.count(this.#record.Version) + (this.#waiter ? 0 : 1);
    const unserved = waiting - this.#pool.coming(this.#record);
    const instances = Math.ceil(unserved / this.#record.MaxConcurrency);
    return instances <= 0 || this.#pool.canStart(this.#record, instances);
  }

  /** See {@link NodeView}. */
  get queueLength(): number {
    const itself = this.#waiter && !this.#waiter.promised ? 1 : 0;
    return this.#queue.queued - itself;
  }

  /** See {@link NodeView}. */
  get queueCapacity(): number {
    return this.#facts.queueCapacity;
  }
}
