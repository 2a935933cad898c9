/**
 * Copies of the embedded registry: written while a node uses it, checked, and restored.
 *
 * @module
 */

import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";
import { layout } from "./layout.ts";
import { copyDatabase, removeFiles, renameFiles, suffixes, versionOf } from "./sqlite_file.ts";

/** Suffix of the registry that was replaced by a backup. */
const replacedSuffix = ".before-restore";

/** Contents of a backup. */
export interface BackupContents {
  /** Version of its layout. */
  readonly version: number;
  /** Number of functions. */
  readonly functions: number;
}

/**
 * Copies a registry at one point in time. The copy blocks the calling thread, but no other process that
 * uses the registry.
 *
 * @param path the registry
 * @param target a file that does not exist, or is empty
 * @throws `REGISTRY_UNAVAILABLE` if one of the files cannot be used
 */
export function backUp(path: string, target: string): void {
  try {
    requireFile(path);
    // SQLite's files next to it stay if the last connection to it cannot write.
    using database = new DatabaseSync(path);
    copyDatabase(database, target);
  } catch (cause) {
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `Cannot copy the registry ${path} to ${target}: ${(cause as Error).message}; check both ` +
        "directories, their owners and free space",
      { cause },
    );
  }
}

/** Runs {@link backUp} in a process of its own. @returns its exit status */
export function runBackup([path, target]: readonly string[]): number {
  try {
    backUp(path!, target!);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

/**
 * Checks every page, index and constraint of a backup.
 *
 * @param path the backup, which stays unchanged
 * @throws `INVALID_REQUEST` if it is damaged, no registry, or of a newer program
 */
export function checkBackup(path: string): BackupContents {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new ServerledgeError("INVALID_REQUEST", `Cannot use the backup ${path}: ${problem}`, {
      cause,
    });
  };
  try {
    requireFile(path);
  } catch (error) {
    refuse((error as Error).message, error);
  }
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const version = versionOf(database);
    const supported = layout.schema.length;
    if (version > supported) {
      refuse(
        `it has layout version ${version}, but this program supports ${supported}: use the ` +
          "program that wrote it, or a newer one",
      );
    }
    const [found] = database.prepare("PRAGMA integrity_check(1)").all();
    const state = String(found?.integrity_check);
    if (state !== "ok") refuse(`it is damaged (${state.replaceAll("\n", " ")}); use another one`);
    const count = database.prepare("SELECT count(*) AS functions FROM functions").get();
    return { version, functions: Number(count?.functions) };
  } catch (error) {
    if (error instanceof ServerledgeError) throw error;
    return refuse(
      `it is not a complete file of serverledge backup (${(error as Error).message})`,
      error,
    );
  }
}

/**
 * Replaces a registry by a backup, if the backup is sound. No process may use the registry. After a crash
 * there is either the former registry or the new one.
 *
 * @param backup the backup, which stays unchanged
 * @param path the registry, which may be missing or damaged
 * @returns contents of the backup, and the new path of the former registry if there was one
 * @throws `INVALID_REQUEST` if the backup cannot be used, `REGISTRY_UNAVAILABLE` if files cannot be written
 */
export function restore(
  backup: string,
  path: string,
): BackupContents & { readonly former: string | undefined } {
  const contents = checkBackup(backup);
  const copy = `${path}.restoring`;
  try {
    using _copy = { [Symbol.dispose]: () => removeFiles(copy) };
    removeFiles(copy);
    using database = new DatabaseSync(backup, { readOnly: true });
    copyDatabase(database, copy);
    giveToOwner(copy, dirname(path));
    const former = putAside(path);
    Deno.renameSync(copy, path);
    return { ...contents, former };
  } catch (cause) {
    throw new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `Cannot replace the registry ${path}: ${
        (cause as Error).message
      }; check its directory, its ` +
        "owner and free space",
      { cause },
    );
  }
}

/** Gives a file that root has made to the user who owns the data folder and runs the node. */
function giveToOwner(path: string, folder: string): void {
  const { uid, gid } = Deno.statSync(folder);
  if (uid !== Deno.uid()) Deno.chownSync(path, uid, gid);
}

/** Gives a registry a second name, under which it stays, and leaves the first one to be replaced. */
function putAside(path: string): string | undefined {
  if (!exists(path)) return undefined;
  try {
    // Moves the write-ahead log into the file. SQLite would apply it to the file that replaces this one.
    using database = new DatabaseSync(path);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // A damaged registry is kept with its write-ahead log.
  }
  const aside = path + replacedSuffix;
  removeFiles(aside);
  renameFiles(path, aside, suffixes.filter(Boolean));
  Deno.linkSync(path, aside);
  return aside;
}

/** @throws if a file cannot be read; SQLite would create it, or not say why */
function requireFile(path: string): void {
  try {
    if (Deno.statSync(path).isDirectory) throw new Error("it is a directory");
    Deno.openSync(path).close();
  } catch (cause) {
    throw new Error(fileProblem(cause), { cause });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
