/**
 * The catalog of all functions in memory. The registry's watch keeps it current, and an invocation
 * never accesses the registry.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { Listeners } from "../base/listeners.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { DamagedFunction, FunctionObserver, Registry } from "./registry.ts";

/** Longest wait for a write to arrive through the watch, ms. */
const maxWriteDelayMs = 2000;

/** Receives the present and the former record of a changed function; undefined if there is none. */
export type CatalogListener = (
  name: string,
  record: FunctionRecord | undefined,
  former: FunctionRecord | undefined,
) => void;

/** Settings of a {@link Catalog}. */
export interface CatalogOptions {
  /** Times the wait in {@link Catalog.written}. */
  readonly clock?: Clock;
  /** Functions known from an earlier connection; valid until the registry responds. */
  readonly known?: readonly FunctionRecord[];
}

/** A write that has not arrived through the watch yet. */
interface PendingWrite {
  readonly name: string;
  /** The version written; undefined for a deletion. */
  readonly version: string | undefined;
  readonly seen: () => void;
}

/** All functions in memory. */
export class Catalog implements Disposable {
  readonly #functions = new Map<string, FunctionRecord>();
  /** Problems of unreadable records, by function name. */
  readonly #damaged = new Map<string, string>();
  readonly #listeners = new Listeners<CatalogListener>("registry");
  readonly #pendingWrites = new Set<PendingWrite>();
  readonly #clock: Clock;
  #sorted: FunctionRecord[] | undefined;
  readonly #completed = Promise.withResolvers<void>();
  #isComplete = false;
  #watch: Disposable | undefined;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Opens the catalog of a registry.
   *
   * @returns the catalog with all functions, or with the known ones if the registry does not respond yet
   */
  static async open(
    registry: Pick<Registry, "watchFunctions">,
    { clock = systemClock, known = [] }: CatalogOptions = {},
  ): Promise<Catalog> {
    const catalog = new Catalog(clock);
    for (const record of known) catalog.#put(record);
    const observer: FunctionObserver = {
      reset: (records, damaged = []) => catalog.#reset(records, damaged),
      put: (record) => catalog.#put(record),
      damage: (damaged) => catalog.#markDamaged(damaged),
      remove: (name) => catalog.#remove(name),
    };
    catalog.#watch = await registry.watchFunctions(observer);
    return catalog;
  }

  /** False until the registry has reported all functions. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Resolves when the registry has reported all functions. */
  get completed(): Promise<void> {
    return this.#completed.promise;
  }

  /** Number of functions. */
  get size(): number {
    return this.#functions.size;
  }

  /**
   * Returns a function by its name.
   *
   * @throws `REGISTRY_UNAVAILABLE` if the function is not found and the catalog is incomplete,
   *   `FUNCTION_DAMAGED` if its record is unreadable
   */
  get(name: string): FunctionRecord | undefined {
    const record = this.#functions.get(name);
    if (!record) {
      this.#requireReadable(name);
      this.requireComplete();
    }
    return record;
  }

  /** True if the function's record in the registry is unreadable. */
  isDamaged(name: string): boolean {
    return this.#damaged.has(name);
  }

  /** True if a function of that name is known. */
  has(name: string): boolean {
    return this.#functions.has(name);
  }

  /**
   * Ensures that the catalog is complete.
   *
   * @throws `REGISTRY_UNAVAILABLE` if the registry has not responded since the start
   */
  requireComplete(): void {
    if (this.#isComplete) return;
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      "The registry has not responded since this node started, so its functions are unknown; try again later",
    );
  }

  /** Returns all functions, sorted by name. */
  list(): FunctionRecord[] {
    this.#sorted ??= [...this.#functions.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    return [...this.#sorted];
  }

  /**
   * Subscribes to later changes.
   *
   * @param listener called after a change is visible in the catalog
   * @returns the subscription, which disposal ends
   */
  onChange(listener: CatalogListener): Disposable {
    return this.#listeners.add(listener);
  }

  /** Like {@link Catalog.onChange}, but reports existing functions first, as new ones. */
  follow(listener: CatalogListener): Disposable {
    for (const [name, record] of this.#functions) listener(name, record, undefined);
    return this.onChange(listener);
  }

  /**
   * Writes to the registry and waits, up to a limit, until the catalog has received the change. A
   * function can then be invoked on this node right after it was created.
   *
   * @param version the version that is written; undefined for a deletion
   * @param write returns false if nothing was changed
   * @returns the result of `write`
   */
  async written(
    name: string,
    version: string | undefined,
    write: () => Promise<boolean>,
  ): Promise<boolean> {
    // The change is expected before the write, because a later write may arrive first.
    const { promise, resolve } = Promise.withResolvers<void>();
    const expected: PendingWrite = { name, version, seen: resolve };
    this.#pendingWrites.add(expected);
    let cancelTimer: (() => void) | undefined;
    try {
      if (!await write()) return false;
      cancelTimer = this.#clock.after(maxWriteDelayMs, resolve);
      await promise;
      return true;
    } finally {
      cancelTimer?.();
      this.#pendingWrites.delete(expected);
    }
  }

  /** Stops following the registry. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  #requireReadable(name: string): void {
    const problem = this.#damaged.get(name);
    if (problem === undefined) return;
    throw new ServerledgeError(
      "FUNCTION_DAMAGED",
      `The record of "${name}" in the registry is damaged (${problem}): create the function again, ` +
        "or delete it",
    );
  }

  #reset(records: FunctionRecord[], damaged: readonly DamagedFunction[]): void {
    this.#isComplete = true;
    this.#damaged.clear();
    for (const { name, problem } of damaged) this.#damaged.set(name, problem);
    const names = new Set(records.map(({ name }) => name));
    for (const name of [...this.#functions.keys()]) if (!names.has(name)) this.#remove(name);
    for (const record of records) this.#put(record);
    for (const { name, version, seen } of this.#pendingWrites) {
      if (version === undefined && !names.has(name) && !this.#damaged.has(name)) seen();
    }
    this.#completed.resolve();
  }

  #put(record: FunctionRecord): void {
    this.#damaged.delete(record.name);
    const known = this.#functions.get(record.name);
    if (known?.version !== record.version) {
      this.#functions.set(record.name, record);
      this.#changed(record.name, record, known);
    }
    for (const { version, name, seen } of this.#pendingWrites) {
      if (name === record.name && version === record.version) seen();
    }
  }

  /** Records the problem. The function keeps working on this node with its last readable record. */
  #markDamaged({ name, problem }: DamagedFunction): void {
    this.#damaged.set(name, problem);
  }

  #remove(name: string): void {
    this.#damaged.delete(name);
    const former = this.#functions.get(name);
    if (this.#functions.delete(name)) this.#changed(name, undefined, former);
    for (const expected of this.#pendingWrites) {
      if (expected.name === name && expected.version === undefined) expected.seen();
    }
  }

  #changed(...change: Parameters<CatalogListener>): void {
    this.#sorted = undefined;
    this.#listeners.each((listener) => listener(...change));
  }
}
