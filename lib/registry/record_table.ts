/**
 * The records of a collection in memory, kept on disk for a start without the registry.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { Listeners } from "../base/listeners.ts";
import type { DamagedRecord, RecordKind, RecordObserver } from "./collection.ts";
import { KeptRecords } from "./kept_records.ts";
import type { Registry } from "./registry.ts";

/** Time limit for a table to receive what was written, ms. */
const maxWriteDelayMs = 2_000;

/** Registry that has collections. */
type Collections = Pick<Registry, "collection">;

/** The records of one kind, by id. It follows the registry until it is disposed. */
export class RecordTable<T> implements Disposable {
  readonly #kind: RecordKind<T>;
  readonly #kept: KeptRecords<T> | undefined;
  readonly #records = new Map<string, T>();
  readonly #damaged = new Map<string, DamagedRecord>();
  readonly #listeners = new Listeners<() => void>("registry");
  #watch: Disposable | undefined;

  private constructor(kind: RecordKind<T>, kept: KeptRecords<T> | undefined) {
    this.#kind = kind;
    this.#kept = kept;
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
    const kept = memory && new KeptRecords(kind, memory.collection(kind));
    const table = new RecordTable(kind, kept);
    if (kept) {
      const { records, damaged } = await kept.read();
      table.#replace(records, damaged);
    }
    table.#watch = await registry.collection(kind).watch(table.#observer());
    return table;
  }

  /** Number of stored records, including unreadable ones. */
  get size(): number {
    return this.#records.size + this.#damaged.size;
  }

  /** Records that are stored and unreadable. */
  get damaged(): readonly DamagedRecord[] {
    return [...this.#damaged.values()];
  }

  /** Returns a readable record. */
  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** Returns all readable records, sorted by id. */
  list(): T[] {
    return [...this.#records].sort(([a], [b]) => a < b ? -1 : 1).map(([, record]) => record);
  }

  /** Calls a listener after each change. Disposing the returned object removes it. */
  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Waits, up to a limit, until a condition holds, e.g. that the table has received a written record. */
  async until(holds: () => boolean, clock: Pick<Clock, "after">): Promise<void> {
    if (holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _listening = this.onChange(() => holds() && resolve());
    const cancel = clock.after(maxWriteDelayMs, resolve);
    await promise.finally(cancel);
  }

  /** Stops following the registry. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  #observer(): RecordObserver<T> {
    const changed = () => this.#listeners.each((listener) => listener());
    return {
      reset: (records, damaged) => {
        this.#replace(records, damaged);
        this.#kept?.retain(new Set([...this.#records.keys(), ...this.#damaged.keys()]));
        for (const record of records) this.#kept?.put(record);
        changed();
      },
      put: (record) => {
        const id = this.#kind.idOf(record);
        this.#records.set(id, record);
        this.#damaged.delete(id);
        this.#kept?.put(record);
        changed();
      },
      // The copy on disk stays as it was last readable, so that the number of records is not forgotten.
      damage: (damaged) => {
        this.#records.delete(damaged.id);
        this.#damaged.set(damaged.id, damaged);
        changed();
      },
      remove: (id) => {
        this.#records.delete(id);
        this.#damaged.delete(id);
        this.#kept?.delete(id);
        changed();
      },
    };
  }

  #replace(records: readonly T[], damaged: readonly DamagedRecord[]): void {
    this.#records.clear();
    this.#damaged.clear();
    for (const record of records) this.#records.set(this.#kind.idOf(record), record);
    for (const record of damaged) this.#damaged.set(record.id, record);
  }
}
