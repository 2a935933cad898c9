/**
 * Collections of small records in the embedded registry.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../../base/clock.ts";
import { Listeners } from "../../base/listeners.ts";
import { exists } from "../../base/text_file.ts";
import {
  type Collection,
  decodeRecords,
  encodeRecord,
  isStored,
  type RecordKind,
  type RecordListing,
  type RecordObserver,
} from "../collection.ts";
import { UnreadableValues } from "../records.ts";
import type { Prepared } from "./sqlite_file.ts";

/** Selects the records of a kind. */
export const selectRecords = "SELECT id, record FROM records WHERE kind = ? ORDER BY id";

/** Statements that a collection uses. */
type Statements = Prepared<
  Record<"createRecord" | "putRecord" | "getRecord" | "removeRecord" | "records", string>
>;

/** Runs a step with the statements, and records whether the file could be used. */
type Run = <R>(step: (prepared: Statements) => R) => Promise<R>;

/** A collection in the table `records`. */
export class SqliteCollection<T> implements Collection<T> {
  readonly #kind: RecordKind<T>;
  readonly #run: Run;
  readonly #clock: Clock;
  readonly #observers = new Listeners<RecordObserver<T>>("registry");

  /**
   * Creates a collection.
   *
   * @param run runs a step on the open file
   */
  constructor(kind: RecordKind<T>, run: Run, clock: Clock) {
    this.#kind = kind;
    this.#run = run;
    this.#clock = clock;
  }

  async create(record: T): Promise<boolean> {
    const { id, text } = encodeRecord(this.#kind, record);
    return await this.#run(({ createRecord }) => {
      if (createRecord.run(this.#kind.name, id, text).changes === 0) return false;
      this.#observers.each((observer) => observer.put(record));
      return true;
    });
  }

  async put(record: T): Promise<void> {
    const { id, text } = encodeRecord(this.#kind, record);
    await this.#run(({ putRecord }) => {
      putRecord.run(this.#kind.name, id, text);
      this.#observers.each((observer) => observer.put(record));
    });
  }

  async replace(former: T, record: T): Promise<boolean> {
    const { id, text } = encodeRecord(this.#kind, record);
    return await this.#run(({ getRecord, putRecord }) => {
      const stored = getRecord.get(this.#kind.name, id)?.record as string | undefined;
      if (stored === undefined || !isStored(this.#kind, stored, former)) return false;
      putRecord.run(this.#kind.name, id, text);
      this.#observers.each((observer) => observer.put(record));
      return true;
    });
  }

  async delete(id: string): Promise<boolean> {
    return await this.#run(({ removeRecord }) => {
      if (removeRecord.run(this.#kind.name, id).changes === 0) return false;
      this.#observers.each((observer) => observer.remove(id));
      return true;
    });
  }

  async watch(observer: RecordObserver<T>): Promise<Disposable> {
    return await this.#run((prepared) => {
      const { records, damaged } = this.#read(prepared);
      observer.reset(records, damaged);
      return this.#observers.add(observer);
    });
  }

  /** Reads the collection again, which another process may have changed. */
  async refresh(): Promise<void> {
    await this.#run((prepared) => {
      const { records, damaged } = this.#read(prepared);
      this.#observers.each((observer) => observer.reset(records, damaged));
    });
  }

  #read(prepared: Statements): RecordListing<T> {
    using unreadable = new UnreadableValues(this.#clock);
    const listing = listRecords(this.#kind, prepared.records);
    for (const { id, problem } of listing.damaged) {
      unreadable.add(`${this.#kind.name} ${id}`, problem);
    }
    return listing;
  }
}

/**
 * Reads the records of a kind from the file of a registry, which a node may use.
 *
 * @returns none if there is no file
 * @throws if the file is unreadable
 */
export function readRecords<T>(kind: RecordKind<T>, path: string): RecordListing<T> {
  if (!exists(path)) return { records: [], damaged: [] };
  using database = new DatabaseSync(path, { readOnly: true });
  return listRecords(kind, database.prepare(selectRecords));
}

function listRecords<T>(kind: RecordKind<T>, select: StatementSync): RecordListing<T> {
  const rows = select.all(kind.name) as { id: string; record: string }[];
  return decodeRecords(kind, rows.map(({ id, record }) => [id, record]));
}
