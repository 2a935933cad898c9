/**
 * Copies of the records of a collection on this node's disk, for a start without the registry.
 *
 * @module
 */

import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { Collection, RecordKind, RecordListing } from "./collection.ts";

/** Copies of records, of which only changed ones are written. A write that fails is logged. */
export class KeptRecords<T> {
  readonly #kind: RecordKind<T>;
  readonly #collection: Collection<T>;
  /** Copies on disk, by id; undefined if a copy is unreadable or was not written. */
  readonly #texts = new Map<string, string | undefined>();

  /**
   * Creates the copies.
   *
   * @param collection keeps them; nothing else changes it
   */
  constructor(kind: RecordKind<T>, collection: Collection<T>) {
    this.#kind = kind;
    this.#collection = collection;
  }

  /** Reads all copies; called before the first change. */
  async read(): Promise<RecordListing<T>> {
    let all: RecordListing<T> = { records: [], damaged: [] };
    const ignore = () => {};
    using _ = await this.#collection.watch({
      reset: (records, damaged) => all = { records, damaged },
      put: ignore,
      damage: ignore,
      remove: ignore,
    });
    for (const record of all.records) this.#texts.set(this.#kind.idOf(record), this.#text(record));
    for (const { id } of all.damaged) this.#texts.set(id, undefined);
    return all;
  }

  /** Writes the copy of a record, unless it is on disk already. */
  put(record: T): void {
    const id = this.#kind.idOf(record);
    const text = this.#text(record);
    if (this.#texts.get(id) === text) return;
    this.#texts.set(id, text);
    this.#write(id, this.#collection.put(record));
  }

  /** Deletes a copy. */
  delete(id: string): void {
    this.#texts.delete(id);
    this.#write(id, this.#collection.delete(id));
  }

  /** Deletes all other copies. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#texts.keys()) if (!ids.has(id)) this.delete(id);
  }

  #text(record: T): string {
    return JSON.stringify(this.#kind.toWire(record));
  }

  #write(id: string, written: Promise<unknown>): void {
    written.catch((error) => {
      // The next report of all records repeats it.
      this.#texts.set(id, undefined);
      logger("registry").warn("Cannot keep {kind} on disk: {reason}", {
        kind: this.#kind.name,
        reason: asServerledgeError(error).message,
      });
    });
  }
}
