/**
 * Opens SQLite files and converts their errors.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ServerledgeError } from "../../base/errors.ts";

/** Maximum wait of a write for another process that has locked the file, ms. */
const busyTimeoutMs = 5000;

/** Tables of a file. */
export interface Layout {
  /** Statements that migrate the file from each version to the next; the file stores its version. */
  readonly schema: readonly string[];
  /** Table whose pages and indexes are checked when the file is opened. */
  readonly checked: string;
}

/** Advice for a damaged file. */
const replaceHint =
  "if it is damaged, restore the file and its -wal file from a backup, or move both " +
  "away to start with an empty registry";

/** Suffixes of SQLite's files. */
export const suffixes: readonly string[] = ["", "-wal", "-shm"];

/**
 * Opens a file. If it does not exist, it is created, and only this user can read it.
 *
 * @param path path of the file, or `:memory:`
 * @throws `REGISTRY_UNAVAILABLE` if it cannot be used
 */
export function openDatabase(path: string, layout: Layout): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    createPrivate(path);
    database = new DatabaseSync(path);
    // With a write-ahead log, NORMAL survives every crash of the process. A power cut may lose the last
    // transactions, but does not damage the file.
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

/** Creates a missing file before SQLite does, which gives its other files (`-wal`, `-shm`) the same mode. */
function createPrivate(path: string): void {
  if (path === ":memory:") return;
  try {
    // A file that exists is not opened: closing it would release the locks of SQLite in this process.
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Prepared statements by name. */
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
 * Returns the error for a file that cannot be used.
 *
 * @param cause the caught error
 */
export function unusable(path: string, cause: unknown): ServerledgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${path} cannot be used (${reason}): check its directory, its owner and ` +
      `free space; ${replaceHint}`,
    { cause },
  );
}

/**
 * Moves a file aside, and replaces the one that was moved before.
 *
 * @returns the new path
 */
export function moveAside(path: string): string {
  const aside = `${path}.damaged`;
  removeFiles(aside);
  renameFiles(path, aside, suffixes);
  return aside;
}

/** Removes those files of a database that exist. */
export function removeFiles(path: string): void {
  for (const suffix of suffixes) {
    try {
      Deno.removeSync(path + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Renames those files of a database that exist. */
export function renameFiles(from: string, to: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) {
    try {
      Deno.renameSync(from + suffix, to + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/**
 * Copies a database, at one point in time, to a file that only this user can read.
 *
 * @param target a file that does not exist, or is empty
 */
export function copyDatabase(database: DatabaseSync, target: string): void {
  using file = Deno.openSync(target, { create: true, write: true, mode: 0o600 });
  database.prepare("VACUUM INTO ?").run(target);
  file.syncSync();
}

/** Returns the version of a database's layout; 0 for a new file. */
export function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

/** Checks a table on disk: a damaged one may look empty when it is read. */
function check(path: string, database: DatabaseSync, { checked }: Layout): void {
  const found = database.prepare(`PRAGMA quick_check(${checked})`).all();
  const first = String(found[0]?.quick_check);
  if (found.length === 1 && first === "ok") return;
  throw new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${path} is damaged (${first.replaceAll("\n", " ")}): ${replaceHint}`,
  );
}

/** Migrates a file to the version of this program. A copy of the former file stays next to it. */
function migrate(path: string, database: DatabaseSync, { schema }: Layout): void {
  const version = schema.length;
  const found = versionOf(database);
  if (found === version) return;
  if (found > version) {
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry ${path} has layout version ${found}, but this program supports ` +
        `${version}: use the program that wrote it, or another data.dir; a copy from before ` +
        `the upgrade may be next to it as ${path}.v${version}`,
    );
  }
  if (found > 0) keepCopy(database, `${path}.v${found}`);
  const missing = schema.slice(found).join("");
  database.exec(`BEGIN IMMEDIATE; ${missing} PRAGMA user_version = ${version}; COMMIT`);
}

/** Copies a database; the copy appears under its name when it is complete. */
function keepCopy(database: DatabaseSync, target: string): void {
  const unfinished = `${target}.unfinished`;
  removeFiles(unfinished);
  try {
    copyDatabase(database, unfinished);
    Deno.renameSync(unfinished, target);
  } finally {
    removeFiles(unfinished);
  }
}
