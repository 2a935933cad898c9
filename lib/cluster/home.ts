/**
 * A node's data folder: its lock, its identity and the paths in it.
 *
 * @module
 */

import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { pause } from "../base/async.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import { exists } from "../base/text_file.ts";
import { nodeName } from "../model/node.ts";

/** Number of attempts to lock the folder of a process that has ended, and the pause between them, ms. */
const lockAttempts = 100;
const lockPauseMs = 50;

/** Name of the file with the folder's own id. */
const idFile = "node-id";

/** Folder that is used for the first time. */
interface Made {
  /** It, and those above it that were made with it; the deepest first. */
  readonly folders: readonly string[];
  /** Whether they stay. */
  isKept: boolean;
}

/** A folder that exists. */
const nothingMade: Made = { folders: [], isKept: true };

/** A node's data folder, held by one process at a time until it is disposed. */
export class NodeHome implements Disposable {
  readonly #locks: DisposableStack;
  readonly #made: Made;

  private constructor(
    locks: DisposableStack,
    made: Made,
    readonly path: string,
    /** The node's id, the same at every start. */
    readonly nodeId: string,
    /** Identifies the folder, even if the node's id is configured. */
    readonly folderId: string,
  ) {
    this.#locks = locks;
    this.#made = made;
  }

  /**
   * Opens the folder, creates it if needed, and locks it: of two nodes with one folder each would
   * remove the other's containers as orphans. A folder that was created is removed when it is disposed,
   * unless {@link keep} was called.
   *
   * @param path the folder; empty for the default
   * @param nodeId the node's id; empty to generate one and store it
   * @throws `CONFIG_INVALID` if another node holds the folder or has the id on this machine, or the
   *   folder is not writable
   */
  static open(path: string, nodeId: string): NodeHome {
    const folder = dataDirectory(path);
    using locks = new DisposableStack();
    const made = { folders: missingFolders(folder), isKept: false };
    const { id, folderId } = lockAll(folder, nodeId, made, locks);
    return new NodeHome(locks.move(), made, folder, id, folderId);
  }

  /** Lets the folder stay when it is disposed, if it was created. */
  keep(): void {
    this.#made.isKept = true;
  }

  /**
   * Opens the folder of a process of the same node, which ends soon. Locks it then.
   *
   * @param nodeId the node's id, as in {@link NodeHome.open}
   * @param gone resolves when the other process has ended
   * @throws `CONFIG_INVALID` if the folder is not readable
   */
  static inherit(path: string, nodeId: string, gone: Promise<void>): NodeHome {
    const folder = dataDirectory(path);
    const folderId = ownId(folder);
    const home = new NodeHome(
      new DisposableStack(),
      nothingMade,
      folder,
      nodeId || folderId,
      folderId,
    );
    void gone.then(() => home.#lock());
    return home;
  }

  async #lock(): Promise<void> {
    for (let attempt = 1; !this.#locks.disposed; attempt++) {
      try {
        using locks = new DisposableStack();
        lockAll(this.path, this.nodeId, nothingMade, locks);
        return void this.#locks.use(locks.move());
      } catch (error) {
        if (attempt < lockAttempts) await pause(lockPauseMs);
        else {
          const reason = (error as Error).message;
          return logger("cluster").error("The data folder is not locked: {reason}", { reason });
        }
      }
    }
  }

  /** Returns the path of something in the folder. */
  of(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Releases the folder. */
  [Symbol.dispose](): void {
    this.#locks.dispose();
  }
}

/**
 * Returns whether a running node uses a data folder, as far as this user can tell.
 *
 * @param folder the folder, see {@link dataDirectory}
 */
export function isFolderInUse(folder: string): boolean {
  try {
    using lock = Deno.openSync(join(folder, "lock"));
    return !lock.tryLockSync(true);
  } catch {
    return false;
  }
}

/** Locks a folder and the node's id. */
function lockAll(
  folder: string,
  nodeId: string,
  made: Made,
  locks: DisposableStack,
): { id: string; folderId: string } {
  const folderId = lockFolder(folder, made, locks);
  if (folderId === undefined) {
    throw new ServerledgeError(
      "CONFIG_INVALID",
      `Another node uses the directory ${folder}: stop it, or set data.dir to another directory`,
    );
  }
  const id = nodeId || folderId;
  locks.use(lockId(id));
  return { id, folderId };
}

/**
 * Locks a folder, creating it if needed.
 *
 * @returns the folder's own id; undefined if another node holds it
 */
function lockFolder(folder: string, made: Made, locks: DisposableStack): string | undefined {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = locks.use(Deno.openSync(join(folder, "lock"), { create: true, write: true }));
    if (!lock.tryLockSync(true)) return undefined;
    // While the lock is held, so that no other node has begun to use the folder.
    locks.defer(() => made.isKept || removeFolders(made.folders));
    return ownId(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ServerledgeError(
      "CONFIG_INVALID",
      `Cannot use the directory ${folder}: ${reason}; set data.dir to a directory that ` +
        "this user can write",
      { cause },
    );
  }
}

/** Returns a folder and those above it that do not exist, the deepest first. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let at = resolve(path); !exists(at); at = dirname(at)) missing.push(at);
  return missing;
}

/** Removes a folder with its contents, and those above it while they are empty. */
function removeFolders([folder, ...above]: readonly string[]): void {
  if (folder === undefined) return;
  try {
    Deno.removeSync(folder, { recursive: true });
    for (const path of above) Deno.removeSync(path);
  } catch {
    // Another program has put something there meanwhile.
  }
}

/**
 * Locks an id on this machine: nodes share its Docker engine, and a node would take the containers
 * of another with the same id for its own, left by a crash.
 */
function lockId(id: string): Disposable {
  const path = idLockFile(id);
  for (;;) {
    using opened = new DisposableStack();
    const lock = opened.use(openLockFile(path));
    if (!lock.tryLockSync(true)) {
      throw new ServerledgeError(
        "CONFIG_INVALID",
        `Node id ${id} belongs to another node that runs on this machine: set ` +
          "registry.node.id to another id, or leave it empty to generate one",
      );
    }
    // The former owner may have removed the file: then others lock a new one of the same name.
    if (inodeOf(path) !== lock.statSync().ino) continue;
    const held = opened.move();
    return {
      [Symbol.dispose]() {
        // A cleaner may have removed the file, and another node created a new one.
        if (inodeOf(path) === lock.statSync().ino) Deno.removeSync(path);
        held.dispose();
      },
    };
  }
}

/** Returns the path of the file that locks a node's id on this machine. */
export function idLockFile(id: string): string {
  return join(sharedLockFolder(), `serverledge-${id}.lock`);
}

/** Folder for the locks of all nodes of this machine, including those with a private /tmp. */
function sharedLockFolder(): string {
  const shared = "/run/lock";
  if (Deno.env.has("TMPDIR")) return tmpdir();
  try {
    // Like /tmp: every user may write, and remove only their own files (sticky).
    return ((Deno.statSync(shared).mode ?? 0) & 0o1002) === 0o1002 ? shared : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Opens a lock file read-only, as that is enough to lock another user's file. */
function openLockFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unusable(path, error);
  }
  try {
    return Deno.openSync(path, { create: true, read: true, write: true, mode: 0o644 });
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): ServerledgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ServerledgeError(
    "CONFIG_INVALID",
    `Cannot lock the node's id with ${path}: ${reason}; set TMPDIR to a directory that ` +
      "this user can write",
    { cause },
  );
}

function inodeOf(path: string): number | null | undefined {
  try {
    return Deno.statSync(path).ino;
  } catch {
    return undefined;
  }
}

/**
 * Returns the data directory of a node.
 *
 * @param path configured directory; empty for the default
 * @throws `CONFIG_INVALID` if it is not configured, and this user has no home directory
 */
export function dataDirectory(path: string): string {
  if (path) return path;
  // systemd sets it for services with StateDirectory=.
  const [service] = (Deno.env.get("STATE_DIRECTORY") ?? "").split(":");
  if (service) return service;
  if (Deno.uid() === 0) return "/var/lib/serverledge";
  const home = Deno.env.get("HOME");
  const data = Deno.env.get("XDG_DATA_HOME") ?? (home && join(home, ".local", "share"));
  if (data) return join(data, "serverledge");
  throw new ServerledgeError("CONFIG_INVALID", "This user has no home directory: set data.dir");
}

/** Returns the id that is stored in a data folder; undefined if there is none yet. */
export function storedNodeId(folder: string): string | undefined {
  try {
    const id = Deno.readTextFileSync(join(folder, idFile)).trim();
    return v.is(nodeName, id) ? id : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function ownId(folder: string): string {
  const stored = storedNodeId(folder);
  if (stored !== undefined) return stored;
  const id = randomId(12);
  Deno.writeTextFileSync(join(folder, idFile), `${id}\n`);
  return id;
}
