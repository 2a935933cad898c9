/**
 * A node's folder on disk: its lock, its identity, and where everything else of it lies.
 *
 * @module
 */

import { join } from "node:path";
import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { nodeName } from "../model/node.ts";

/** A node's folder, held by one process at a time. Disposing it lets go. */
export class NodeHome implements Disposable {
  readonly #lock: Deno.FsFile;

  private constructor(
    lock: Deno.FsFile,
    /** The folder. */
    readonly path: string,
    /** The node's id, the same at every start. */
    readonly nodeId: string,
    /** Names the folder, also where the node's id is configured. */
    readonly folderId: string,
  ) {
    this.#lock = lock;
  }

  /**
   * Opens the folder, makes it where it does not exist, and locks it: two nodes on one folder would
   * take each other's containers for orphans.
   *
   * @param path the folder; empty for the default one
   * @param nodeId the node's id; empty to make one and keep it
   * @throws `INVALID_REQUEST` if another node holds it or it cannot be written
   */
  static open(path: string, nodeId: string): NodeHome {
    const folder = path || defaultFolder();
    let lock: Deno.FsFile | undefined;
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      lock = Deno.openSync(join(folder, "lock"), { create: true, write: true });
      if (lock.tryLockSync(true)) {
        const folderId = keptId(folder);
        return new NodeHome(lock, folder, nodeId || folderId, folderId);
      }
    } catch (cause) {
      lock?.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ServerledgeError(
        "INVALID_REQUEST",
        `Cannot use the folder ${folder}: ${reason}; set data.dir to one this user can write`,
        { cause },
      );
    }
    lock.close();
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `Another node uses the folder ${folder}: stop it, or set data.dir to another folder`,
    );
  }

  /** The path of something in the folder. */
  of(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Lets go of the folder; everything in it stays. */
  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

function defaultFolder(): string {
  if (Deno.uid() === 0) return "/var/lib/serverledge";
  const home = Deno.env.get("HOME");
  const data = Deno.env.get("XDG_DATA_HOME") ?? (home && join(home, ".local", "share"));
  if (data) return join(data, "serverledge");
  throw new ServerledgeError("INVALID_REQUEST", "Set data.dir: this user has no home folder");
}

function keptId(folder: string): string {
  const path = join(folder, "node-id");
  try {
    const id = Deno.readTextFileSync(path).trim();
    if (v.is(nodeName, id)) return id;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const id = randomId(12);
  Deno.writeTextFileSync(path, `${id}\n`);
  return id;
}
