/**
 * Results of async invocations that wait on this node's disk for the registry to come back. As
 * durable as the embedded registry, and bounded; long ones are written and read in slices.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { randomId } from "../../base/ids.ts";
import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { decodeLongResult, encodeLongResult, isLongResult } from "../long_results.ts";
import { readRecord } from "../records.ts";
import { type AsyncResult, asyncResultSchema, storedResult } from "../registry.ts";
import { Parts, partsTable, wholeBytes } from "./parts.ts";
import { openDatabase, prepareAll, type Prepared } from "./sqlite_file.ts";

/** Most invocations that wait. */
export const maxWaiting = 10_000;
/** Largest size of all results that wait; what exceeds it by its last entry is taken. */
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
    UPDATE waiting SET size = length(result);
    `,
  ],
};

const columns = "seq, id, result, expires_at, parts, size";

const statements = {
  // A new number each time, so that who has written the former state does not remove this one.
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

/** A result that waits. */
export interface Waiting {
  /** Rises with every write. */
  readonly seq: number;
  /** The invocation. */
  readonly id: string;
  /** What is known of it, in JSON; empty if that is in parts. */
  readonly text: string;
  /** Owner of the parts of a long result. */
  readonly parts: string | null;
  /** Length of its JSON. */
  readonly size: number;
  /** When it need not be known any more, ms since the Unix epoch. */
  readonly expiresAt: number;
}

/** The journal. Methods throw `node:sqlite`'s errors when the file cannot be used. */
export class ResultJournal implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements: Prepared<typeof statements>;
  readonly #parts: Parts;
  #count = 0;
  #size = 0;

  /**
   * @param path its file, or `:memory:`
   * @throws `REGISTRY_UNAVAILABLE` if the file cannot be used
   */
  constructor(path: string) {
    this.#database = openDatabase(path, layout);
    this.#statements = prepareAll(this.#database, statements);
    this.#parts = new Parts(this.#database);
    // Those that a crash has left.
    this.#statements.forgetParts.run();
    const { count, size } = this.#statements.sum.get()!;
    [this.#count, this.#size] = [Number(count), Number(size)];
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** Size of all that wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Writes what is known of an invocation.
   *
   * @param expiresAt when it need not be known any more, ms since the Unix epoch
   * @returns false if there is no room for one more
   */
  async put(id: string, result: AsyncResult, expiresAt: number): Promise<boolean> {
    if (!this.#hasRoom(id)) return false;
    if (!isLongResult(result, wholeBytes)) return this.putShort(id, result, expiresAt);
    const [parts, json] = [randomId(), encodeLongResult(result)];
    try {
      await this.#parts.write(parts, json);
      this.#write({ id, text: "", parts, size: json.length, expiresAt }, false);
      return true;
    } catch (error) {
      await this.#parts.remove(parts).catch(() => {});
      throw error;
    }
  }

  /** Writes what is known of an invocation at once, as {@link ResultJournal.put}. */
  putShort(id: string, result: AsyncResult, expiresAt: number): boolean {
    if (!this.#hasRoom(id)) return false;
    const text = JSON.stringify(storedResult(result));
    const isPending = result.state === "pending";
    this.#write({ id, text, parts: null, size: text.length, expiresAt }, isPending);
    return true;
  }

  /** What is known of an invocation. */
  get(id: string): Waiting | undefined {
    return this.#count === 0 ? undefined : waiting(this.#statements.get.get(id));
  }

  /** The first that was written after another; 0 for the first of all. */
  after(seq: number): Waiting | undefined {
    return this.#count === 0 ? undefined : waiting(this.#statements.after.get(seq));
  }

  /**
   * Reads the result of an invocation.
   *
   * @param reserve reserves the memory of a long one before it is read
   * @returns undefined where the file holds nonsense, or it was removed meanwhile
   */
  async result(
    { id, text, parts, size }: Waiting,
    reserve?: ReserveMemory,
  ): Promise<AsyncResult | undefined> {
    if (parts === null) return readRecord(asyncResultSchema, text, `result ${id}`);
    const json = await this.#parts.read(parts, reserve);
    return json?.length === size ? await decodeLongResult(json, `result ${id}`) : undefined;
  }

  /** Removes a result in the state that was read; a newer one stays. */
  async remove(read: Waiting): Promise<void> {
    if (this.#statements.remove.run(read.seq).changes === 0) return;
    this.#forget(read);
    if (read.parts !== null) await this.#parts.remove(read.parts);
  }

  /** Those that have not ended. */
  pending(): { readonly id: string; readonly expiresAt: number }[] {
    return this.#statements.pending.all().map((row: Record<string, unknown>) => ({
      id: row.id as string,
      expiresAt: row.expires_at as number,
    }));
  }

  /** Closes the file; what waits in it stays. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #hasRoom(id: string): boolean {
    const isFull = this.#count >= maxWaiting || this.#size >= maxSize;
    return !isFull || this.get(id) !== undefined;
  }

  /** What is replaced is short: that an invocation is pending. */
  #write({ id, text, parts, size, expiresAt }: Omit<Waiting, "seq">, isPending: boolean): void {
    const former = this.get(id);
    this.#statements.put.run(id, isPending ? 1 : 0, text, Math.ceil(expiresAt), parts, size);
    if (former) this.#forget(former);
    this.#count++;
    this.#size += size;
  }

  #forget({ size }: Waiting): void {
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
