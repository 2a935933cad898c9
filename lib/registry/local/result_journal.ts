/**
 * Journal of results of async invocations that wait on this node's disk until the registry is available
 * again. It is as durable as the embedded registry, and bounded. Long results are written and read in
 * slices.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { randomId } from "../../base/ids.ts";
import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { decodeLongResult, encodeLongResult, isLongResult } from "../long_results.ts";
import { readRecord } from "../records.ts";
import { type AsyncResult, asyncResultSchema, storedResult } from "../registry.ts";
import { Parts, partsTable, wholeBytes } from "./parts.ts";
import { openDatabase, prepareAll, type Prepared } from "./sqlite_file.ts";

/** Maximum number of waiting results. */
export const maxWaiting = 10_000;
/** Size of all waiting results from which no further one is accepted, bytes; the last may exceed it. */
export const maxSize = 256 << 20;

const layout = {
  checked: "waiting",
  schema: [
    `
    CREATE TABLE waiting (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pending INTEGER NOT NULL,
      result TEXT NOT NULL, expires_at INTEGER NOT NULL
    ) STRICT;
    `,
    `${partsTable}
    ALTER TABLE waiting ADD COLUMN parts TEXT;
    ALTER TABLE waiting ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
    UPDATE waiting SET size = length(CAST(result AS BLOB));
    `,
  ],
};

const columns = "seq, id, result, expires_at, parts, size";

const statements = {
  // Each write gets a new number: removing the former state then does not remove this one.
  put: "INSERT OR REPLACE INTO waiting (id, pending, result, expires_at, parts, size) " +
    "VALUES (?, ?, ?, ?, ?, ?)",
  get: `SELECT ${columns} FROM waiting WHERE id = ?`,
  after: `SELECT ${columns} FROM waiting WHERE seq > ? ORDER BY seq LIMIT 1`,
  remove: "DELETE FROM waiting WHERE seq = ?",
  pending: "SELECT id, expires_at FROM waiting WHERE pending = 1 ORDER BY seq",
  sum: "SELECT count(*) AS count, coalesce(sum(size), 0) AS size FROM waiting",
  forgetParts:
    "DELETE FROM parts WHERE owner NOT IN (SELECT parts FROM waiting WHERE parts IS NOT NULL)",
} as const;

/** A waiting result. */
export interface Waiting {
  /** Sequence number, which rises with every write. */
  readonly seq: number;
  /** Id of the invocation. */
  readonly id: string;
  /** State of the invocation as JSON; empty if it is stored in parts. */
  readonly text: string;
  /** Owner of the parts of a long result; null for a short one. */
  readonly parts: string | null;
  /** Length of its JSON, bytes. */
  readonly size: number;
  /** Expiration, ms since the Unix epoch. */
  readonly expiresAt: number;
}

/** Journal of waiting results. Methods throw the errors of `node:sqlite` if the file cannot be used. */
export class ResultJournal implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements: Prepared<typeof statements>;
  readonly #parts: Parts;
  #count = 0;
  #size = 0;

  /**
   * Opens the journal, or creates it if it does not exist. {@link ResultJournal.recover} must follow.
   *
   * @param path path of its file, or `:memory:`
   * @throws `REGISTRY_UNAVAILABLE` if the file cannot be used
   */
  constructor(path: string) {
    this.#database = openDatabase(path, layout);
    this.#statements = prepareAll(this.#database, statements);
    this.#parts = new Parts(this.#database);
  }

  /** Counts the results of an earlier process, and removes parts that its crash has left. */
  recover(): void {
    this.#statements.forgetParts.run();
    const { count, size } = this.#statements.sum.get()!;
    [this.#count, this.#size] = [Number(count), Number(size)];
  }

  /** Number of waiting results, including long ones that are being written. */
  get count(): number {
    return this.#count;
  }

  /** Size of these results, bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Writes the state of an invocation.
   *
   * @param expiresAt expiration, ms since the Unix epoch
   * @returns false if the journal is full and contains no state of this invocation
   */
  async put(id: string, result: AsyncResult, expiresAt: number): Promise<boolean> {
    if (!isLongResult(result, wholeBytes)) return this.putShort(id, result, expiresAt);
    if (!this.#hasRoom(id)) return false;
    const [parts, json] = [randomId(), encodeLongResult(result)];
    const size = json.length;
    // Counted before its parts are written, so that results written meanwhile keep to the maximum.
    this.#add(size);
    try {
      await this.#parts.write(parts, json);
      this.#write({ id, text: "", parts, size, expiresAt }, false);
      return true;
    } catch (error) {
      this.#subtract(size);
      await this.#parts.remove(parts).catch(() => {});
      throw error;
    }
  }

  /** Writes the state of an invocation synchronously, otherwise as {@link ResultJournal.put}. */
  putShort(id: string, result: AsyncResult, expiresAt: number): boolean {
    if (!this.#hasRoom(id)) return false;
    const text = JSON.stringify(storedResult(result));
    const isPending = result.state === "pending";
    const size = Buffer.byteLength(text);
    this.#write({ id, text, parts: null, size, expiresAt }, isPending);
    this.#add(size);
    return true;
  }

  /** Returns the state of an invocation. */
  get(id: string): Waiting | undefined {
    return this.#count === 0 ? undefined : waiting(this.#statements.get.get(id));
  }

  /** Returns the first result written after the given number; 0 returns the first of all. */
  after(seq: number): Waiting | undefined {
    return this.#count === 0 ? undefined : waiting(this.#statements.after.get(seq));
  }

  /**
   * Reads the result of an invocation.
   *
   * @param reserve reserves the memory of a long result before it is read
   * @returns undefined if the stored value is invalid, which is logged, or was removed in the meantime
   */
  async result(
    { id, text, parts, size }: Waiting,
    reserve?: ReserveMemory,
  ): Promise<AsyncResult | undefined> {
    if (parts === null) return readRecord(asyncResultSchema, text, `result ${id}`);
    const json = await this.#parts.read(parts, reserve);
    if (json?.length !== size) return undefined;
    return await decodeLongResult(json, `result ${id}`);
  }

  /** Removes a result in the state that was read; a newer state stays. */
  async remove(read: Waiting): Promise<void> {
    if (this.#statements.remove.run(read.seq).changes === 0) return;
    this.#subtract(read.size);
    if (read.parts !== null) await this.#parts.remove(read.parts);
  }

  /** Returns the invocations that have not ended. */
  pending(): { readonly id: string; readonly expiresAt: number }[] {
    return this.#statements.pending.all().map((row: Record<string, unknown>) => ({
      id: row.id as string,
      expiresAt: row.expires_at as number,
    }));
  }

  /** Closes the file; waiting results stay in it. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #hasRoom(id: string): boolean {
    const isFull = this.#count >= maxWaiting || this.#size >= maxSize;
    return !isFull || this.get(id) !== undefined;
  }

  /**
   * Writes a row, which the caller counts, and stops counting the row that it replaces. That one has no
   * parts to remove: it says that the invocation is pending.
   */
  #write({ id, text, parts, size, expiresAt }: Omit<Waiting, "seq">, isPending: boolean): void {
    const former = this.get(id);
    this.#statements.put.run(id, isPending ? 1 : 0, text, Math.ceil(expiresAt), parts, size);
    if (former) this.#subtract(former.size);
  }

  #add(size: number): void {
    this.#count++;
    this.#size += size;
  }

  #subtract(size: number): void {
    this.#count--;
    this.#size -= size;
  }
}

function waiting(row: ReturnType<StatementSync["get"]>): Waiting | undefined {
  return row && {
    seq: row.seq as number,
    id: row.id as string,
    text: row.result as string,
    parts: row.parts as string | null,
    size: row.size as number,
    expiresAt: row.expires_at as number,
  };
}
