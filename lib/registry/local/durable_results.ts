/**
 * Results of async invocations that survive an outage of the registry. During the outage they are
 * stored on this node's disk, where this node finds them. Afterwards they are written to the registry.
 *
 * @module
 */

import type { MemoryReservation, ReserveMemory } from "../../base/reserve_memory.ts";
import type { Clock } from "../../base/clock.ts";
import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import type { AsyncResult, Registry } from "../registry.ts";
import type { ResultJournal, Waiting } from "./result_journal.ts";
import { unusable } from "./sqlite_file.ts";

/** Interval of attempts to reach the registry, ms. */
const retryMs = 1_000;

const log = logger("registry");

/** Dependencies of {@link DurableResults}. */
export interface DurableResultsOptions {
  /** Stores the results while it is available. */
  readonly registry: Pick<Registry, "putResult" | "getResult" | "pendingResults" | "health">;
  /** Stores the results during an outage; disposal closes it. */
  readonly journal: ResultJournal;
  /** Reserves memory for results that are read from the journal and written to the registry. */
  readonly takeMemory: () => MemoryReservation;
  /** The node's clock. */
  readonly clock: Clock;
  /** Result of invocations that an earlier process of this node left pending here. */
  readonly interrupted: AsyncResult;
  /** Resolves when the earlier process of this node has ended, if it is still running. */
  readonly formerEnded?: Promise<void> | undefined;
}

/** Results that are in the registry or wait to be written there. */
export class DurableResults implements AsyncDisposable {
  readonly #options: DurableResultsOptions;
  #cancelRetry: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  /**
   * Fails the invocations that an earlier process of this node left pending, and starts to write the waiting
   * results to the registry.
   */
  constructor(options: DurableResultsOptions) {
    this.#options = options;
    if (options.formerEnded) void options.formerEnded.then(() => this.#recover());
    else this.#recover();
  }

  /** Number of results that wait for the registry. */
  get waiting(): number {
    return this.#options.journal.count;
  }

  /**
   * Stores the state of an invocation in the registry, or in the journal during an outage.
   *
   * @throws `REGISTRY_UNAVAILABLE` if the registry is unavailable and the journal is full or unusable
   */
  async putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void> {
    const { registry, journal, clock } = this.#options;
    let reason = "The registry cannot be written now";
    // The states of one invocation are written in order.
    if (registry.health().ok && !journal.get(id)) {
      try {
        return await registry.putResult(id, result, ttlMs);
      } catch (error) {
        const { code, message } = asServerledgeError(error);
        if (code !== "REGISTRY_UNAVAILABLE") throw error;
        reason = message;
      }
    }
    if (!await this.#keep(id, result, clock.wall() + ttlMs)) {
      throw new ServerledgeError(
        "REGISTRY_UNAVAILABLE",
        `${reason}, and ${journal.count} results are already waiting for it: try again when ` +
          "the registry is available",
      );
    }
    this.#writeLater(retryMs);
  }

  /**
   * Returns the state of an invocation.
   *
   * @throws `REGISTRY_UNAVAILABLE` if the journal does not contain it and the registry is unavailable
   */
  async getResult(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined> {
    const { registry, journal, clock } = this.#options;
    const here = journal.get(id);
    const result = here && here.expiresAt > clock.wall()
      ? await journal.result(here, reserve)
      : undefined;
    return result ?? await registry.getResult(id, reserve);
  }

  /** Returns the pending results of the registry; the constructor handled those of the journal. */
  pendingResults(node: string): Promise<string[]> {
    return this.#options.registry.pendingResults(node);
  }

  /** Writes as many results as possible and leaves the rest to the next process of this node. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#cancelRetry?.();
    await this.#writing;
    this.#closed = true;
    await this.#writeAll();
    this.#options.journal[Symbol.dispose]();
  }

  #recover(): void {
    if (this.#closed) return;
    const { journal, interrupted } = this.#options;
    journal.recover();
    for (const { id, expiresAt } of journal.pending()) journal.putShort(id, interrupted, expiresAt);
    this.#writeLater(0);
  }

  async #keep(id: string, result: AsyncResult, expiresAt: number): Promise<boolean> {
    const { journal } = this.#options;
    try {
      return await journal.put(id, result, expiresAt);
    } catch (cause) {
      throw unusable("of results", cause);
    }
  }

  #writeLater(delayMs: number): void {
    const { journal, clock } = this.#options;
    if (this.#closed || this.#cancelRetry || this.#writing || journal.count === 0) return;
    this.#cancelRetry = clock.after(delayMs, () => {
      this.#cancelRetry = undefined;
      this.#writing = this.#writeAll().finally(() => {
        this.#writing = undefined;
        this.#writeLater(retryMs);
      });
    });
  }

  /** Writes results to the registry, oldest first, until it rejects one. */
  async #writeAll(): Promise<void> {
    const { registry, journal } = this.#options;
    let written = 0;
    try {
      for (let next = journal.after(0); next; next = journal.after(next.seq)) {
        if (!registry.health().ok) break;
        await this.#write(next);
        written++;
      }
    } catch (error) {
      log.debug("Results still wait for the registry: {reason}", {
        reason: asServerledgeError(error).message,
      });
    }
    if (written > 0) log.info("{written} results were written to the registry", { written });
  }

  async #write(next: Waiting): Promise<void> {
    const { registry, journal, clock, takeMemory } = this.#options;
    const ttlMs = next.expiresAt - clock.wall();
    using memory = takeMemory();
    const result = ttlMs > 0
      ? await journal.result(next, (bytes) => memory.hold(bytes))
      : undefined;
    if (result) {
      try {
        await registry.putResult(next.id, result, ttlMs);
      } catch (error) {
        const { code, message } = asServerledgeError(error);
        if (code === "REGISTRY_UNAVAILABLE") throw error;
        // The registry will never accept it; the client gets an error.
        await registry.putResult(next.id, { state: "failed", code, message }, ttlMs);
      }
    }
    await journal.remove(next);
  }
}
