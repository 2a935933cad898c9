/**
 * Long values in a SQLite file, written and read in parts. A single statement would block the event loop
 * until the whole value is on the disk. A row refers to a value only after all its parts were written;
 * parts without such a row were left by a crash.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Sliceable } from "../../base/rope.ts";
import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { slices } from "../../base/slices.ts";
import { prepareAll, type Prepared } from "./sqlite_file.ts";

/** Maximum size of a value that is stored in one piece, bytes. */
export const wholeBytes = 1 << 20;
/** Size of a part, bytes. */
const partBytes = 256 << 10;

/** Definition of the table of parts; other tables refer to it by the column `owner`. */
export const partsTable = `
  CREATE TABLE parts (
    owner TEXT NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (owner, at)
  ) STRICT;
`;

const statements = {
  write: "INSERT OR REPLACE INTO parts VALUES (?, ?, ?)",
  length: "SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM parts WHERE owner = ?",
  read: "SELECT bytes FROM parts WHERE owner = ? AND at = ?",
  owners: "SELECT DISTINCT owner FROM parts",
  remove: "DELETE FROM parts WHERE rowid = (SELECT max(rowid) FROM parts WHERE owner = ?)",
} as const;

/** Long values in a file. Methods throw the errors of `node:sqlite` if the file cannot be used. */
export class Parts {
  readonly #statements: Prepared<typeof statements>;

  /**
   * Prepares the statements on the table of values.
   *
   * @param database contains the table
   */
  constructor(database: DatabaseSync) {
    this.#statements = prepareAll(database, statements);
  }

  /** Writes a value in slices; the value must not change in the meantime. */
  async write(owner: string, value: Sliceable): Promise<void> {
    let at = 0;
    await slices.run(() => {
      this.#statements.write.run(owner, at, value.slice(at, at + partBytes));
      at += partBytes;
      return at >= value.length;
    });
  }

  /**
   * Reads a value in slices.
   *
   * @param reserve reserves memory for the value
   * @returns the value, empty if the owner has no parts; undefined if some parts are missing
   */
  async read(owner: string, reserve?: ReserveMemory): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const length = Number(this.#statements.length.get(owner)!.bytes);
    reserve?.(length);
    const value = new Uint8Array(length);
    let at = 0;
    let isThere = true;
    await slices.run(() => {
      if (at === value.length) return true;
      const part = this.#statements.read.get(owner, at)?.bytes as Uint8Array | undefined;
      isThere &&= part !== undefined && part.length > 0 && at + part.length <= value.length;
      if (!isThere) return true;
      value.set(part!, at);
      at += part!.length;
      return false;
    });
    return isThere ? value : undefined;
  }

  /** Returns all owners. */
  owners(): string[] {
    return (this.#statements.owners.all() as { owner: string }[]).map(({ owner }) => owner);
  }

  /**
   * Removes a value in slices.
   *
   * @param isWanted checked before each part; the removal ends once it returns true
   */
  remove(owner: string, isWanted: () => boolean = () => false): Promise<void> {
    return slices.run(() => isWanted() || this.#statements.remove.run(owner).changes === 0);
  }
}
