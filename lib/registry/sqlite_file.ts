/**
 * SQLite files: how they are opened, and what their failures mean.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { ServerledgeError } from "../base/errors.ts";

/** How long a write waits for another process that holds the file, ms. */
const busyTimeoutMs = 5000;

/** What is in a file. */
export interface Layout {
  /** Kept in the file. */
  readonly version: number;
  /** Statements that make it. */
  readonly schema: string;
}

/**
 * Opens a file, and makes it if it is not there.
 *
 * @param path the file, or `:memory:`
 * @param layout what is in it
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
    return database;
  } catch (cause) {
    database?.close();
    throw cause instanceof ServerledgeError ? cause : unusable(path, cause);
  }
}

/**
 * The error of a file that cannot be used.
 *
 * @param path the file
 * @param cause why
 */
export function unusable(path: string, cause: unknown): ServerledgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${path} cannot be used (${reason}): check its folder, its owner and free space`,
    { cause },
  );
}

function migrate(path: string, database: DatabaseSync, { version, schema }: Layout): void {
  const found = database.prepare("PRAGMA user_version").get()?.user_version;
  if (found === version) return;
  if (found !== 0) {
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry ${path} has layout ${found}, this program knows ${version}: use the program that wrote it, or another data.dir`,
    );
  }
  database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${version}; COMMIT`);
}
