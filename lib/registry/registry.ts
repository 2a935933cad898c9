/**
 * The contract of the registry: what nodes share. Functions, their code, and results of async
 * invocations.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import * as v from "valibot";
import type { FunctionRecord } from "../model/function.ts";
import type { NodeRecord } from "../model/node.ts";
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
    /** Confined to one node by its `Locality`: other nodes know only which one. */
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

/** What is known of an async invocation: accepted and not ended, done, or failed with its reason. */
export type AsyncResult =
  | Exclude<v.InferOutput<typeof asyncResultSchema>, { state: "done" }>
  | { state: "done"; report: Report };

/**
 * A result as registries keep it, made at once.
 *
 * @param result what is known of an invocation
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
  /** What is wrong with its record. */
  readonly problem: string;
}

/**
 * Gets the registered functions: all as soon as the registry answers and again after an outage, and
 * each change.
 */
export interface FunctionObserver {
  /**
   * All functions that are registered now; others are gone.
   *
   * @param damaged those whose records cannot be read; none if left out
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
  /** Reports all registered nodes; others are gone. */
  reset(records: NodeRecord[]): void;
  /** Reports a node that has joined or changed. */
  put(record: NodeRecord): void;
  /** Reports a node that has left or whose lease has expired. */
  remove(id: string): void;
}

/** Whether the registry responds; otherwise since when not, and why. */
export type RegistryHealth =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly sinceMs: number };

/** Registration of a node; disposal deregisters it. */
export interface Registration extends AsyncDisposable {
  /** The live node with the same id that is registered instead. */
  readonly conflict: NodeRecord | undefined;
}

/**
 * What nodes share. Every method that writes or reads across the network throws
 * `REGISTRY_UNAVAILABLE` with a reason when it cannot.
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
  /** Whether the registry is currently writable, as far as is known without a call. */
  health(): RegistryHealth;
  /**
   * Adds a function in one transaction.
   *
   * @returns false if one of that name exists, which is then unchanged
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
   * Tells the observer all functions and then every change, in order, until disposed. Resumes by
   * itself after outages, with a new `reset` where changes may have been missed.
   *
   * @returns once the first `reset` has been delivered, or the registry has not answered for some time
   */
  watchFunctions(observer: FunctionObserver): Promise<Disposable>;
  /**
   * Stores code under its SHA-256 in lower-case hex; storing it twice is harmless. It is not
   * collected before a function that refers to it had ten minutes to be stored.
   */
  putCode(hash: string, code: Uint8Array): Promise<void>;
  /**
   * Reads code back.
   *
   * @returns undefined if there is no code of that hash
   */
  getCode(hash: string): Promise<Uint8Array | undefined>;
  /**
   * Removes code that no function refers to.
   *
   * @returns how many
   */
  collectCode(): Promise<number>;
  /** Stores the state of an asynchronous invocation for `ttlMs`. */
  putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void>;
  /**
   * Reads what is known of an async invocation.
   *
   * @param reserve reserves the memory of a long result before it is read
   * @returns undefined if unknown or expired
   */
  getResult(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined>;
  /** Ids of asynchronous invocations that a node accepted and never completed. */
  pendingResults(node: string): Promise<string[]>;
  /**
   * Registers a node under a lease that is renewed, and registers it again whenever the lease was
   * lost, until disposed, which deregisters it. Never throws if the registry is unavailable: it retries.
   *
   * @param isAlive checks another node with the same id and another data folder that is registered: as
   *   long as it responds, this one is not registered; absent: no node responds
   */
  registerNode(
    record: NodeRecord,
    isAlive?: (other: NodeRecord) => Promise<boolean>,
  ): Registration;
  /**
   * The registration of a node.
   *
   * @returns undefined if no node of that id is registered
   */
  registeredNode(id: string): Promise<NodeRecord | undefined>;
  /**
   * Tells the observer all nodes and then every change, as {@link Registry.watchFunctions} does for
   * functions. While the registry is away the nodes known last stay known.
   */
  watchNodes(observer: NodeObserver): Promise<Disposable>;
}
