/**
 * Follows the functions in etcd, even if etcd loses its data.
 *
 * @module
 */

import { Listeners } from "../../base/listeners.ts";
import { logger } from "../../base/log.ts";
import { type FunctionRecord, storedFunctionSchema } from "../../model/function.ts";
import type { Entry, EtcdClient } from "./client/client.ts";
import { functionsPrefix } from "./keys.ts";
import { RestoringWatch } from "./restoring_watch.ts";
import { parseRecord, type ReadRecord, UnreadableValues } from "../records.ts";
import type { DamagedFunction, FunctionObserver } from "../registry.ts";

/** Restores functions that an emptied etcd has lost. */
export type Restore = (lost: FunctionRecord[]) => Promise<void>;

/** Follows the functions in etcd. */
export class FunctionWatch extends RestoringWatch {
  readonly #restore: Restore;
  readonly #observers = new Listeners<FunctionObserver>("registry");
  /** All known functions. */
  readonly #known = new Map<string, FunctionRecord>();
  /** Unreadable functions. */
  readonly #damaged = new Map<string, DamagedFunction>();
  readonly #unreadable = new UnreadableValues();

  /**
   * Starts to follow the functions.
   *
   * @param client calls etcd; outlives the watch
   * @param restore restores lost functions; called before an emptied etcd is listed
   */
  constructor(client: EtcdClient, restore: Restore) {
    super(client, functionsPrefix);
    this.#restore = restore;
    this.follow();
  }

  /**
   * Adds an observer, and reports all functions to it if they have been listed.
   *
   * @returns the subscription, which disposal ends
   */
  observe(observer: FunctionObserver): Disposable {
    if (this.isListed) this.#tellAll(observer);
    return this.#observers.add(observer);
  }

  /** Stops following. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#unreadable[Symbol.dispose]();
  }

  /** Restores the functions that an emptied etcd has lost. */
  protected override async restore(): Promise<void> {
    if (this.#known.size === 0) return;
    logger("registry").warn("etcd has lost its data: restoring {count} functions", {
      count: this.#known.size,
    });
    await this.#restore([...this.#known.values()]);
  }

  /** Applies a listing of all functions. */
  protected override replace(entries: readonly Entry[]): void {
    this.#known.clear();
    this.#damaged.clear();
    for (const entry of entries) this.#read(entry);
    this.applied();
    this.#observers.each((observer) => this.#tellAll(observer));
  }

  /** Applies a written function, or marks it as unreadable. */
  protected override put(entry: Entry): void {
    const read = this.#read(entry);
    const name = entry.key.slice(functionsPrefix.length);
    this.#observers.each((observer) =>
      "record" in read
        ? observer.put(read.record)
        : observer.damage({ name, problem: read.problem })
    );
  }

  /** Removes a function. */
  protected override remove(name: string): void {
    this.#known.delete(name);
    this.#damaged.delete(name);
    this.#observers.each((observer) => observer.remove(name));
  }

  #tellAll(observer: FunctionObserver): void {
    observer.reset([...this.#known.values()], [...this.#damaged.values()]);
  }

  /** Stores a function, or marks it as unreadable. */
  #read(entry: Entry): ReadRecord<FunctionRecord> {
    const name = entry.key.slice(functionsPrefix.length);
    const read = readFunction(entry);
    if ("record" in read) {
      this.#known.set(name, read.record);
      this.#damaged.delete(name);
    } else {
      this.#unreadable.add(entry.key, read.problem);
      this.#damaged.set(name, { name, problem: read.problem });
    }
    return read;
  }
}

function readFunction({ key, value }: Entry): ReadRecord<FunctionRecord> {
  const read = parseRecord(storedFunctionSchema, new TextDecoder().decode(value));
  if ("problem" in read || functionsPrefix + read.record.name === key) return read;
  return { problem: "it contains a function with another name" };
}
