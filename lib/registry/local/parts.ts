/**
 * Long values in a SQLite file, written and read in parts: one statement would hold up everybody until
 * all of it is on the disk. Whoever keeps one writes where it is only when all its parts are there; parts
 * that nobody knows of are what a crash has left.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Sliceable } from "../../base/rope.ts";
import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { slices } from "../../base/slices.ts";
import { prepareAll, type Prepared } from "./sqlite_file.ts";

/** Longest value that is kept in one piece, bytes. */
export const wholeBytes = 1 << 20;
/** Bytes of a part. */
const partBytes = 256 << 10;

/** The table, which other tables refer to by the owners of parts. */
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

/** Long values in a file. Methods throw `node:sqlite`'s errors when it cannot be used. */
export class Parts {
  readonly #statements: Prepared<typeof statements>;

  /** @param database has the table */
  constructor(database: DatabaseSync) {
    this.#statements = prepareAll(database, statements);
  }

  /** Writes a value in slices; must not change meanwhile. */
  async write(owner: string, value: Sliceable): Promise<void> {
    let at = 0;
    await slices.run(() => {
      this.#statements.write.run(owner, at, value.slice(at, at + partBytes));
      at += partBytes;
      return at >= value.length;
    });
  }

  /**
   * Reads a value in slices; of nobody it is empty.
   *
   * @param reserve reserves its memory
   * @returns undefined if some of it is missing
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

  /** All owners. */
  owners(): string[] {
    return (this.#statements.owners.all() as { owner: string }[]).map(({ owner }) => owner);
  }

  /**
   * Removes a value in slices.
   *
   * @param isWanted asked before each part, and removed no further once it is
   */
  remove(owner: string, isWanted: () => boolean = () => false): Promise<void> {
    return slices.run(() => isWanted() || this.#statements.remove.run(owner).changes === 0);
  }
}
