/**
 * Collections of small records in the embedded registry.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { Listeners } from "../../base/listeners.ts";
import {
  type Collection,
  type DamagedRecord,
  decodeRecord,
  encodeRecord,
  isStored,
  type RecordKind,
  type RecordObserver,
} from "../collection.ts";
import { UnreadableValues } from "../records.ts";
import type { Prepared } from "./sqlite_file.ts";

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

  #read(prepared: Statements): { records: T[]; damaged: DamagedRecord[] } {
    using unreadable = new UnreadableValues(this.#clock);
    const { name } = this.#kind;
    const records: T[] = [];
    const damaged: DamagedRecord[] = [];
    for (const row of prepared.records.all(name)) {
      const id = row.id as string;
      const read = decodeRecord(this.#kind, id, row.record as string);
      if ("record" in read) {
        records.push(read.record);
        continue;
      }
      unreadable.add(`${name} ${id}`, read.problem);
      damaged.push({ id, ...read });
    }
    return { records, damaged };
  }
}
