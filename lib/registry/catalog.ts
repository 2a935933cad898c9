/**
 * All functions in memory, kept current by the registry's watch, so that an invocation never asks
 * the registry.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { Listeners } from "../base/listeners.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { DamagedFunction, FunctionObserver, Registry } from "./registry.ts";

/** How long a write waits for the watch to bring it back, ms. */
const seenBoundMs = 2000;

/** Told what changed: the function as it is now, and as it was; undefined where there is none. */
export type CatalogListener = (
  name: string,
  record: FunctionRecord | undefined,
  former: FunctionRecord | undefined,
) => void;

/** What a catalog may be opened with. */
export interface CatalogOptions {
  /** Bounds the waits of {@link Catalog.written}. */
  readonly clock?: Clock;
  /** Functions that there were when the registry was last heard of: they count until it answers. */
  readonly known?: readonly FunctionRecord[];
}

/** A write that has yet to come back by the watch. */
interface Expected {
  readonly name: string;
  /** The version written, or undefined for a deletion. */
  readonly version: string | undefined;
  readonly seen: () => void;
}

/** All functions in memory. */
export class Catalog implements Disposable {
  readonly #functions = new Map<string, FunctionRecord>();
  /** What is wrong with the records of functions that cannot be read. */
  readonly #damaged = new Map<string, string>();
  readonly #listeners = new Listeners<CatalogListener>("registry");
  readonly #expected = new Set<Expected>();
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
   * @param registry what it follows
   * @returns with all functions in it, or those that are known where the registry does not answer yet
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
      damage: (damaged) => catalog.#damage(damaged),
      remove: (name) => catalog.#remove(name),
    };
    catalog.#watch = await registry.watchFunctions(observer);
    return catalog;
  }

  /** False until the registry has told all functions. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Resolves when the registry has told all functions. */
  get completed(): Promise<void> {
    return this.#completed.promise;
  }

  /** How many functions there are. */
  get size(): number {
    return this.#functions.size;
  }

  /**
   * The function of that name, if there is one.
   *
   * @throws `REGISTRY_UNAVAILABLE` if that cannot be told yet, `FUNCTION_DAMAGED` if its record
   *   cannot be read
   */
  get(name: string): FunctionRecord | undefined {
    const record = this.#functions.get(name);
    if (!record) {
      this.#requireReadable(name);
      this.requireComplete();
    }
    return record;
  }

  /** True if the function's record in the registry cannot be read. */
  isDamaged(name: string): boolean {
    return this.#damaged.has(name);
  }

  /** True if a function of that name is known. */
  has(name: string): boolean {
    return this.#functions.has(name);
  }

  /**
   * Makes sure that all functions are here.
   *
   * @throws `REGISTRY_UNAVAILABLE` if the registry has not told them since the start
   */
  requireComplete(): void {
    if (this.#isComplete) return;
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      "The registry has not answered since this node started: which functions there are is not known yet; try again later",
    );
  }

  /** All functions, sorted by name. */
  list(): FunctionRecord[] {
    this.#sorted ??= [...this.#functions.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    return [...this.#sorted];
  }

  /**
   * Tells every later change.
   *
   * @param listener called after the change is visible here
   * @returns stops it
   */
  onChange(listener: CatalogListener): Disposable {
    return this.#listeners.add(listener);
  }

  /** As {@link Catalog.onChange}, but the functions that exist are told first, as new ones. */
  follow(listener: CatalogListener): Disposable {
    for (const [name, record] of this.#functions) listener(name, record, undefined);
    return this.onChange(listener);
  }

  /**
   * Makes a write to the registry and waits, for a bounded time, until the catalog has seen it,
   * so that what was created here can be invoked here at once.
   *
   * @param name the function's name
   * @param version the version that is written, or undefined for a deletion
   * @param write the write; false if it changed nothing, and nothing is waited for
   * @returns what the write returned
   */
  async written(
    name: string,
    version: string | undefined,
    write: () => Promise<boolean>,
  ): Promise<boolean> {
    // Expected before it is written: its echo may be overtaken by that of a later write.
    const { promise, resolve } = Promise.withResolvers<void>();
    const expected: Expected = { name, version, seen: resolve };
    this.#expected.add(expected);
    let cancelTimer: (() => void) | undefined;
    try {
      if (!await write()) return false;
      cancelTimer = this.#clock.after(seenBoundMs, resolve);
      await promise;
      return true;
    } finally {
      cancelTimer?.();
      this.#expected.delete(expected);
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
    for (const { name, version, seen } of this.#expected) {
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
    for (const { version, name, seen } of this.#expected) {
      if (name === record.name && version === record.version) seen();
    }
  }

  /** The function as it was last read goes on as long as this node has it. */
  #damage({ name, problem }: DamagedFunction): void {
    this.#damaged.set(name, problem);
  }

  #remove(name: string): void {
    this.#damaged.delete(name);
    const former = this.#functions.get(name);
    if (this.#functions.delete(name)) this.#changed(name, undefined, former);
    for (const expected of this.#expected) {
      if (expected.name === name && expected.version === undefined) expected.seen();
    }
  }

  #changed(...change: Parameters<CatalogListener>): void {
    this.#sorted = undefined;
    this.#listeners.each((listener) => listener(...change));
  }
}
