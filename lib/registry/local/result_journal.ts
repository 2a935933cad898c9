/**
 * Results of async invocations that wait on this node's disk for the registry to come back. As
 * durable as the embedded registry, and bounded.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { readRecord } from "../records.ts";
import { type AsyncResult, asyncResultSchema, storedResult } from "../registry.ts";
import { openDatabase, prepareAll, type Prepared } from "./sqlite_file.ts";

/** Most invocations that wait. */
export const maxWaiting = 10_000;
/** Most characters of results that wait; what exceeds it by its last entry is taken. */
export const maxCharacters = 256 << 20;

const layout = {
  checked: "waiting",
  schema: [`
    CREATE TABLE waiting (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pending INTEGER NOT NULL,
      result TEXT NOT NULL, expires_at INTEGER NOT NULL
    ) STRICT;
  `],
};

const statements = {
  // A new number each time, so that who has written the former state does not remove this one.
  put: "INSERT OR REPLACE INTO waiting (id, pending, result, expires_at) VALUES (?, ?, ?, ?)",
  get: "SELECT seq, id, result, expires_at FROM waiting WHERE id = ?",
  after: "SELECT seq, id, result, expires_at FROM waiting WHERE seq > ? ORDER BY seq LIMIT 1",
  remove: "DELETE FROM waiting WHERE seq = ?",
  pending: "SELECT id, expires_at FROM waiting WHERE pending = 1 ORDER BY seq",
  sum: "SELECT count(*) AS count, coalesce(sum(length(result)), 0) AS characters FROM waiting",
} as const;

/** A result that waits. */
export interface Waiting {
  /** Rises with every write. */
  readonly seq: number;
  /** The invocation. */
  readonly id: string;
  /** What is known of it; undefined where the file holds nonsense. */
  readonly result: AsyncResult | undefined;
  /** When it need not be known any more, ms since the Unix epoch. */
  readonly expiresAt: number;
}

/** The journal. Methods throw `node:sqlite`'s errors when the file cannot be used. */
export class ResultJournal implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements: Prepared<typeof statements>;
  #count = 0;
  #characters = 0;

  /**
   * @param path its file, or `:memory:`
   * @throws `REGISTRY_UNAVAILABLE` if the file cannot be used
   */
  constructor(path: string) {
    this.#database = openDatabase(path, layout);
    this.#statements = prepareAll(this.#database, statements);
    const { count, characters } = this.#statements.sum.get()!;
    [this.#count, this.#characters] = [Number(count), Number(characters)];
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /**
   * Writes what is known of an invocation.
   *
   * @param expiresAt when it need not be known any more, ms since the Unix epoch
   * @returns false if there is no room for one more
   */
  put(id: string, result: AsyncResult, expiresAt: number): boolean {
    const former = this.get(id);
    const isFull = this.#count >= maxWaiting || this.#characters >= maxCharacters;
    if (!former && isFull) return false;
    const text = JSON.stringify(storedResult(result));
    const isPending = result.state === "pending" ? 1 : 0;
    this.#statements.put.run(id, isPending, text, Math.ceil(expiresAt));
    if (former) this.#forget(former);
    this.#count++;
    this.#characters += text.length;
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

  /** Removes a result in the state that was read; a newer one stays. */
  remove(read: Waiting): void {
    if (this.#statements.remove.run(read.seq).changes > 0) this.#forget(read);
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

  #forget({ result }: Waiting): void {
    this.#count--;
    const length = result ? JSON.stringify(storedResult(result)).length : 0;
    this.#characters = Math.max(0, this.#characters - length);
  }
}

function waiting(row: ReturnType<StatementSync["get"]>): Waiting | undefined {
  return row && {
    seq: row.seq as number,
    id: row.id as string,
    result: readRecord(asyncResultSchema, row.result as string, `result ${row.id}`),
    expiresAt: row.expires_at as number,
  };
}
