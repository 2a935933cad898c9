/**
 * The contract of the registry, which stores the data that nodes share: functions, their code,
 * results of async invocations, and the nodes themselves.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import * as v from "valibot";
import type { FunctionRecord } from "../model/function.ts";
import type { NodeRecord } from "../model/node.ts";
import type { Collection, RecordKind } from "./collection.ts";
import { type Report, reportNames, reportSchema } from "../model/invocation.ts";

/** State of an asynchronous invocation. */
export const asyncResultSchema = v.variant("state", [
  v.object({
    state: v.literal("pending"),
    /** Id of the node that accepted it. */
    node: v.string(),
    /** When it was accepted, ms since the Unix epoch. */
    since: v.number(),
  }),
  v.object({
    /** The localities of function and request confine the result to one node; others know only which. */
    state: v.literal("kept"),
    /** Id of the node that has it. */
    node: v.string(),
    /** URL of that node. */
    url: v.string(),
  }),
  v.object({
    state: v.literal("done"),
    report: v.pipe(reportSchema, v.transform(reportNames.fromWire)),
  }),
  v.object({
    state: v.literal("failed"),
    code: v.string(),
    message: v.string(),
    details: v.optional(v.record(v.string(), v.unknown())),
  }),
]);

/** State of an async invocation: pending, kept on one node, done, or failed with the reason. */
export type AsyncResult =
  | Exclude<v.InferOutput<typeof asyncResultSchema>, { state: "done" }>
  | { state: "done"; report: Report };

/**
 * Converts a result to the format that registries store, in one step.
 *
 * @param result state of an invocation
 */
export function storedResult(result: AsyncResult): v.InferInput<typeof asyncResultSchema> {
  if (result.state !== "done") return result;
  const { report } = result;
  return { ...result, report: reportNames.toWire({ ...report, result: String(report.result) }) };
}

/** A function whose record in the registry is unreadable. */
export interface DamagedFunction {
  /** Its name, from the record's key. */
  readonly name: string;
  /** Why its record is unreadable. */
  readonly problem: string;
}

/**
 * Receives the registered functions: all of them once the registry responds and again after an
 * outage, then each change.
 */
export interface FunctionObserver {
  /**
   * Reports all registered functions; others do not exist any more.
   *
   * @param damaged functions whose records are unreadable; none if absent
   */
  reset(records: FunctionRecord[], damaged?: readonly DamagedFunction[]): void;
  /** Reports a created or updated function. */
  put(record: FunctionRecord): void;
  /** Reports a record that was overwritten by unreadable data. */
  damage(damaged: DamagedFunction): void;
  /** Reports a deleted function. */
  remove(name: string): void;
}

/** Receives the registered nodes: all at first and after an outage, then each change. */
export interface NodeObserver {
  /** Reports all registered nodes; others do not exist any more. */
  reset(records: NodeRecord[]): void;
  /** Reports a node that has joined or changed. */
  put(record: NodeRecord): void;
  /** Reports a node that has left or whose lease has expired. */
  remove(id: string): void;
}

/** Whether the registry responds; if not, the reason and the duration of the outage, ms. */
export type RegistryHealth =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly sinceMs: number };

/** Registration of a node, which disposal removes. */
export interface Registration extends AsyncDisposable {
  /** Live node with the same id that is registered in place of this one. */
  readonly conflict: NodeRecord | undefined;
  /** Stops renewing the registration without removing it: another process of the node has replaced it. */
  abandon(): void;
}

/**
 * The data that nodes share. Every method that reads or writes across the network throws
 * `REGISTRY_UNAVAILABLE` with the reason if that fails.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openSqlite } from "./local/registry.ts";
 * import { sampleRecord } from "../../tests/contract/registry.ts";
 *
 * await using registry = openSqlite(":memory:");
 * await registry.createFunction(sampleRecord("hello"));
 * const names: string[] = [];
 * await using _watch = await registry.watchFunctions({
 *   reset: (records) => names.push(...records.map(({ name }) => name)),
 *   put: ({ name }) => names.push(name),
 *   damage: () => {},
 *   remove: () => {},
 * });
 * assert(names.join() === "hello");
 * ```
 */
export interface Registry extends AsyncDisposable {
  /** Description for users: `embedded (path)` or `etcd (endpoints)`. */
  readonly description: string;
  /** Returns whether the registry is writable, judged by earlier calls. */
  health(): RegistryHealth;
  /**
   * Adds a function in one transaction.
   *
   * @returns false if a function of that name exists, which stays unchanged
   */
  createFunction(record: FunctionRecord): Promise<boolean>;
  /** Adds or replaces a function. */
  putFunction(record: FunctionRecord): Promise<void>;
  /**
   * Removes a function.
   *
   * @returns false if there was none
   */
  deleteFunction(name: string): Promise<boolean>;
  /**
   * Reports all functions and then every change to the observer, in order, until disposed. The watch
   * resumes by itself after outages, with a new `reset` if changes may have been missed.
   *
   * @returns the watch, after the first `reset`, or after some time if the registry does not respond
   */
  watchFunctions(observer: FunctionObserver): Promise<Disposable>;
  /** Returns the small records of one kind. */
  collection<T>(kind: RecordKind<T>): Collection<T>;
  /**
   * Stores code under its SHA-256 in lower-case hex; storing it twice is harmless. Code without a
   * function is not collected for ten minutes, the time to store a function that refers to it.
   */
  putCode(hash: string, code: Uint8Array): Promise<void>;
  /**
   * Reads code.
   *
   * @returns undefined if there is no code with that hash
   */
  getCode(hash: string): Promise<Uint8Array | undefined>;
  /**
   * Removes code that no function refers to.
   *
   * @returns the number of removed archives
   */
  collectCode(): Promise<number>;
  /** Stores the state of an asynchronous invocation for `ttlMs`. */
  putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void>;
  /**
   * Reads the state of an async invocation.
   *
   * @param reserve reserves the memory of a long result before it is read
   * @returns undefined if unknown or expired
   */
  getResult(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined>;
  /** Returns the ids of async invocations that a node accepted and never completed. */
  pendingResults(node: string): Promise<string[]>;
  /**
   * Registers a node under a lease, renews the lease, and registers the node again after the lease
   * was lost. Disposal deregisters the node. Does not throw if the registry is unavailable, but retries.
   *
   * @param isAlive returns whether another registered node, with the same id and another data folder,
   *   responds; as long as it does, this node is not registered. If absent, no other node responds.
   */
  registerNode(
    record: NodeRecord,
    isAlive?: (other: NodeRecord) => Promise<boolean>,
  ): Registration;
  /**
   * Returns the registered record of a node.
   *
   * @returns undefined if no node with that id is registered
   */
  registeredNode(id: string): Promise<NodeRecord | undefined>;
  /**
   * Reports all nodes and then every change to the observer, as {@link Registry.watchFunctions} does
   * for functions. While the registry is unavailable, the last known nodes stay known.
   */
  watchNodes(observer: NodeObserver): Promise<Disposable>;
}
