/**
 * Cache of code on this machine's disk: the archives from the registry and their unpacked files.
 *
 * @module
 */

import { SharedTasks } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { exists } from "../../base/text_file.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { hashArchive, readTar } from "../../archive/archive.ts";
import type { Registry } from "../registry.ts";
import { readFile, unpack, writeFile } from "./unpack.ts";

/** Name prefix of incomplete files. */
const unfinished = ".tmp-";
/** Hash of code, the name of its archive or folder. */
const hashPattern = /^[0-9a-f]{64}$/;

/** One code on disk. */
interface Entry {
  /** Size of its archive and its unpacked files. */
  bytes: number;
  /** Number of users; code with users is not removed. */
  holds: number;
}

/** Settings of a {@link CodeCache}. */
export interface CodeCacheOptions {
  /** Folder of the cache. */
  readonly dir: string;
  /** True if another process of the node still uses the folder: what it has unpacked is complete. */
  readonly isShared?: boolean;
  readonly registry: Pick<Registry, "getCode">;
  /** Size above which the least recently used code is removed if it is not in use, bytes. */
  readonly maxBytes: number;
  /** Returns whether a function has the code; other code is removed when it is not in use any more. */
  readonly isReferenced: (hash: string) => boolean;
}

/** Disk usage of the cache. */
export interface CodeUsage {
  /** Number of archives. */
  readonly count: number;
  /** Size of the archives and unpacked files, bytes. */
  readonly bytes: number;
}

/** Stores code on disk by its hash, as long as a function has it. */
export class CodeCache {
  readonly #dir: string;
  readonly #registry: Pick<Registry, "getCode">;
  readonly #maxBytes: number;
  readonly #isShared: boolean;
  readonly #isReferenced: (hash: string) => boolean;
  readonly #archives = new SharedTasks<Uint8Array>();
  readonly #folders = new SharedTasks<string>();
  /** By hash, least recently used first. */
  readonly #entries = new Map<string, Entry>();
  /** Hashes unpacked by this process. */
  readonly #unpacked = new Set<string>();
  #ready: Promise<void> | undefined;
  #isRead = false;

  /**
   * Creates a cache, which creates and reads its folder when it is first used.
   *
   * @param options folder, registry, and limits of the cache
   */
  constructor(options: CodeCacheOptions) {
    this.#dir = options.dir;
    this.#registry = options.registry;
    this.#maxBytes = options.maxBytes;
    this.#isShared = options.isShared ?? false;
    this.#isReferenced = options.isReferenced;
  }

  /** Disk usage; undefined before the first use. */
  get usage(): CodeUsage | undefined {
    if (!this.#isRead) return undefined;
    const sizes = this.#entries.values().map(({ bytes }) => bytes).filter((bytes) => bytes > 0);
    return sizes.reduce((sum, bytes) => ({ count: sum.count + 1, bytes: sum.bytes + bytes }), {
      count: 0,
      bytes: 0,
    });
  }

  /**
   * Returns an archive from the disk, or from the registry.
   *
   * @param hash lower-case hex SHA-256 of the archive
   * @throws `INSTANCE_START_FAILED` if the registry has no such code, `REGISTRY_UNAVAILABLE`
   */
  async archive(hash: string): Promise<Uint8Array> {
    using _held = this.hold(hash);
    return await this.#archives.run(hash, async () => await this.local(hash) ?? this.#fetch(hash));
  }

  /**
   * Returns an archive from the disk if it is complete.
   *
   * @param hash lower-case hex SHA-256 of the archive
   */
  async local(hash: string): Promise<Uint8Array | undefined> {
    await this.#open();
    const path = this.#archivePath(hash);
    try {
      const archive = await readFile(path);
      if (await hashArchive(archive) === hash) return archive;
      // A crash of the machine has left the file incomplete.
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw this.#storageError(error);
    }
    return undefined;
  }

  /**
   * Returns a folder with the code's files, readable by all users, writable by this one only.
   *
   * @param hash lower-case hex SHA-256 of the archive
   * @returns its path, valid while the hash is held by {@link CodeCache.hold}
   * @throws as {@link CodeCache.archive}
   */
  async folder(hash: string): Promise<string> {
    using _held = this.hold(hash);
    return await this.#folders.run(hash, () => this.#unpack(hash));
  }

  /**
   * Removes code that no function has, once it is not held.
   *
   * @param hash lower-case hex SHA-256 of the archive; if absent, all code is checked
   */
  async collect(hash?: string): Promise<void> {
    // Reading the folder also collects.
    if (!this.#isRead) return;
    for (const one of hash === undefined ? [...this.#entries.keys()] : [hash]) {
      if (this.#isUnused(one)) await this.#evict(one);
    }
  }

  /**
   * Protects code from removal until disposed.
   *
   * @param hash lower-case hex SHA-256 of the archive
   */
  hold(hash: string): Disposable {
    const entry = this.#touch(hash);
    entry.holds++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        entry.holds--;
        if (entry.holds === 0 && entry.bytes === 0) this.#entries.delete(hash);
        else if (this.#isUnused(hash)) void this.#evict(hash);
      },
    };
  }

  /**
   * Adds code that was created on this node, which then need not be fetched.
   *
   * @param hash lower-case hex SHA-256 of the archive
   */
  async put(hash: string, archive: Uint8Array): Promise<void> {
    using _held = this.hold(hash);
    await this.#archives.run(hash, async () => {
      if (!await this.#isStored(hash, archive.length)) await this.#store(hash, archive);
      return archive;
    });
  }

  /** Returns whether an archive of that size is stored; damage by a crash is detected when it is read. */
  async #isStored(hash: string, bytes: number): Promise<boolean> {
    await this.#open();
    try {
      return (await Deno.stat(this.#archivePath(hash))).size === bytes;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw this.#storageError(error);
    }
  }

  async #fetch(hash: string): Promise<Uint8Array> {
    const archive = await this.#registry.getCode(hash);
    if (!archive || await hashArchive(archive) !== hash) {
      const problem = archive ? "damaged" : "missing";
      throw new ServerledgeError(
        "INSTANCE_START_FAILED",
        `The function's code ${hash} is ${problem} in the registry: create the function again`,
      );
    }
    await this.#store(hash, archive);
    return archive;
  }

  async #store(hash: string, archive: Uint8Array): Promise<void> {
    const temporary = `${this.#dir}/${unfinished}${randomId()}`;
    try {
      await writeFile(temporary, archive, { createNew: true, mode: 0o600 });
      await Deno.rename(temporary, this.#archivePath(hash));
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw this.#storageError(error);
    }
    await this.#addBytes(hash, archive.length);
  }

  async #unpack(hash: string): Promise<string> {
    await this.#open();
    const folder = `${this.#dir}/${hash}`;
    if (this.#unpacked.has(hash)) return folder;
    const entries = await readTar(await this.archive(hash));
    const temporary = `${this.#dir}/${unfinished}${randomId()}`;
    try {
      await unpack(entries, temporary);
      await Deno.rename(temporary, folder);
    } catch (error) {
      await Deno.remove(temporary, { recursive: true }).catch(() => {});
      // The other process has just unpacked it.
      if (!this.#isShared || !exists(folder)) throw this.#storageError(error);
    }
    this.#unpacked.add(hash);
    await this.#addBytes(hash, entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0));
    return folder;
  }

  #isUnused(hash: string): boolean {
    return this.#entries.get(hash)?.holds === 0 && !this.#isReferenced(hash);
  }

  /** Marks an entry as most recently used; adds it if it is new. */
  #touch(hash: string): Entry {
    if (!hashPattern.test(hash)) {
      throw new ServerledgeError("INTERNAL", `Not a code hash: ${JSON.stringify(hash)}`);
    }
    const entry = this.#entries.get(hash) ?? { bytes: 0, holds: 0 };
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    return entry;
  }

  async #addBytes(hash: string, bytes: number): Promise<void> {
    this.#touch(hash).bytes += bytes;
    let total = this.#entries.values().reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [old, entry] of [...this.#entries]) {
      if (total <= this.#maxBytes) return;
      if (entry.holds > 0) continue;
      total -= entry.bytes;
      await this.#evict(old);
    }
  }

  async #evict(hash: string): Promise<void> {
    this.#entries.delete(hash);
    this.#unpacked.delete(hash);
    const removed = `${this.#dir}/${unfinished}${randomId()}`;
    try {
      // Renaming is atomic: concurrent readers do not see partially removed files.
      renameIfPresent(`${this.#dir}/${hash}`, removed);
      renameIfPresent(this.#archivePath(hash), `${removed}.tar`);
      await removeIfPresent(removed);
      await removeIfPresent(`${removed}.tar`);
    } catch (error) {
      logger("registry").warn("Cannot remove code {hash} from {dir}: {error}", {
        hash,
        dir: this.#dir,
        error,
      });
    }
  }

  #open(): Promise<void> {
    this.#ready ??= this.#start().catch((error) => {
      this.#ready = undefined;
      throw this.#storageError(error);
    });
    return this.#ready;
  }

  /**
   * Reads the folder, and removes code that no function has. Each process unpacks again, because
   * unpacked files are written without waiting for the disk and may be incomplete after a power failure.
   */
  async #start(): Promise<void> {
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o755 });
    for await (const { name, isDirectory } of Deno.readDir(this.#dir)) {
      const path = `${this.#dir}/${name}`;
      const hash = name.replace(/\.tar$/, "");
      const isFolder = isDirectory && hashPattern.test(name);
      if (isFolder && this.#isShared) this.#unpacked.add(name);
      else if (isFolder || (name.startsWith(unfinished) && !this.#isShared)) {
        await Deno.remove(path, { recursive: true });
      } else if (hash !== name && hashPattern.test(hash)) {
        this.#touch(hash).bytes = (await Deno.stat(path)).size;
      }
    }
    this.#isRead = true;
    await this.collect();
  }

  #archivePath(hash: string): string {
    return `${this.#dir}/${hash}.tar`;
  }

  #storageError(cause: unknown): ServerledgeError {
    if (cause instanceof ServerledgeError) return cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === "ENOSPC" || code === "EDQUOT"
      ? new ServerledgeError(
        "STORAGE_FULL",
        `No space left for code in ${this.#dir} (${message}): free some space, or set ` +
          "data.dir to another disk",
        { cause },
      )
      : new ServerledgeError(
        "INSTANCE_START_FAILED",
        `Cannot store code in ${this.#dir} (${message}): check its owner and permissions`,
        { cause },
      );
  }
}

function renameIfPresent(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
