/**
 * The records of a collection in memory, kept on disk for a start without the registry.
 *
 * @module
 */

import { asServerledgeError } from "../base/errors.ts";
import { Listeners } from "../base/listeners.ts";
import { logger } from "../base/log.ts";
import type { Collection, RecordKind, RecordObserver } from "./collection.ts";
import type { Registry } from "./registry.ts";

/** Registry that has collections. */
type Collections = Pick<Registry, "collection">;

/** The records of one kind, by id. It follows the registry until it is disposed. */
export class RecordTable<T> implements Disposable {
  readonly #kind: RecordKind<T>;
  readonly #memory: Collection<T> | undefined;
  readonly #records = new Map<string, T>();
  readonly #listeners = new Listeners<() => void>("registry");
  #watch: Disposable | undefined;

  private constructor(kind: RecordKind<T>, memory: Collection<T> | undefined) {
    this.#kind = kind;
    this.#memory = memory;
  }

  /**
   * Opens the table.
   *
   * @param registry has the records
   * @param memory keeps them on disk if the registry may be unavailable
   * @returns the table with the records of the registry; with the last known ones if it does not respond
   */
  static async open<T>(
    kind: RecordKind<T>,
    registry: Collections,
    memory?: Collections,
  ): Promise<RecordTable<T>> {
    const kept = memory?.collection(kind);
    const table = new RecordTable(kind, kept);
    await table.#recall();
    table.#watch = await registry.collection(kind).watch(table.#observer());
    return table;
  }

  /** Number of records. */
  get size(): number {
    return this.#records.size;
  }

  /** Returns a record. */
  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** Returns all records, sorted by id. */
  list(): T[] {
    return [...this.#records].sort(([a], [b]) => a < b ? -1 : 1).map(([, record]) => record);
  }

  /** Calls a listener after each change. Disposing the returned object removes it. */
  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Stops following the registry. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  async #recall(): Promise<void> {
    const ignore = () => {};
    const reset = (records: T[]) => {
      for (const record of records) this.#records.set(this.#kind.idOf(record), record);
    };
    using _ = await this.#memory?.watch({ reset, put: ignore, remove: ignore });
  }

  #observer(): RecordObserver<T> {
    const changed = () => this.#listeners.each((listener) => listener());
    return {
      reset: (records) => {
        const ids = new Set(records.map(this.#kind.idOf));
        for (const id of this.#records.keys()) if (!ids.has(id)) this.#remove(id);
        for (const record of records) this.#put(record);
        changed();
      },
      put: (record) => {
        this.#put(record);
        changed();
      },
      remove: (id) => {
        this.#remove(id);
        changed();
      },
    };
  }

  #put(record: T): void {
    this.#records.set(this.#kind.idOf(record), record);
    this.#keep(this.#memory?.put(record));
  }

  #remove(id: string): void {
    this.#records.delete(id);
    this.#keep(this.#memory?.delete(id));
  }

  #keep(written: Promise<unknown> | undefined): void {
    written?.catch((error) => {
      const reason = asServerledgeError(error).message;
      logger("registry").warn("Cannot keep {kind} on disk: {reason}", {
        kind: this.#kind.name,
        reason,
      });
    });
  }
}
