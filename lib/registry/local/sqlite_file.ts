/**
 * SQLite files: how they are opened, and what their failures mean.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ServerledgeError } from "../../base/errors.ts";

/** How long a write waits for another process that holds the file, ms. */
const busyTimeoutMs = 5000;

/** What is in a file. */
export interface Layout {
  /** Statements that make each version of it from the one before; how many were run is kept in the file. */
  readonly schema: readonly string[];
  /** The table whose pages and indexes are checked when the file is opened: what must be true. */
  readonly checked: string;
}

/** The fix where nothing can be read back. */
const replaceHint =
  "where it is damaged, put back a copy of it and of its -wal file, or move them " +
  "away to start with an empty one";

/** Suffixes of SQLite's files. */
const suffixes = ["", "-wal", "-shm"];

/**
 * Opens a file, and makes it if it is not there.
 *
 * @param path the file, or `:memory:`
 * @throws `REGISTRY_UNAVAILABLE` if it cannot be used
 */
export function openDatabase(path: string, layout: Layout): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    // With a write-ahead log, NORMAL survives every crash of the process; only a power cut may
    // take the last transactions with it, never the file's integrity.
    database.exec(
      `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`,
    );
    migrate(path, database, layout);
    check(path, database, layout);
    return database;
  } catch (cause) {
    database?.close();
    throw cause instanceof ServerledgeError ? cause : unusable(path, cause);
  }
}

/** Statements by name, ready to be run. */
export type Prepared<S> = Readonly<Record<keyof S, StatementSync>>;

/** Prepares statements. */
export function prepareAll<S extends Readonly<Record<string, string>>>(
  database: DatabaseSync,
  statements: S,
): Prepared<S> {
  const prepared = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)]);
  return Object.fromEntries(prepared);
}

/**
 * The error of a file that cannot be used.
 *
 * @param cause why
 */
export function unusable(path: string, cause: unknown): ServerledgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${path} cannot be used (${reason}): check its folder, its owner and free space; ` +
      replaceHint,
    { cause },
  );
}

/**
 * Moves a file out of the way, in place of the one that was moved before.
 *
 * @returns where it is now
 */
export function moveAside(path: string): string {
  const aside = `${path}.damaged`;
  for (const suffix of suffixes) {
    try {
      Deno.removeSync(aside + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    try {
      Deno.renameSync(path + suffix, aside + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return aside;
}

/** What is damaged on disk may look like an empty table when it is read. */
function check(path: string, database: DatabaseSync, { checked }: Layout): void {
  const found = database.prepare(`PRAGMA quick_check(${checked})`).all();
  const first = String(found[0]?.quick_check);
  if (found.length === 1 && first === "ok") return;
  throw new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${path} is damaged (${first.replaceAll("\n", " ")}): ${replaceHint}`,
  );
}

function migrate(path: string, database: DatabaseSync, { schema }: Layout): void {
  const version = schema.length;
  const found = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (found === version) return;
  if (found > version) {
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry ${path} has layout ${found}, this program knows ${version}: use the program that wrote it, or another data.dir`,
    );
  }
  const missing = schema.slice(found).join("");
  database.exec(`BEGIN IMMEDIATE; ${missing} PRAGMA user_version = ${version}; COMMIT`);
}
