/**
 * Code on this machine's disk: each archive as it came from the registry, and unpacked.
 *
 * @module
 */

import { SharedTasks } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { hashArchive, readTar } from "../../archive/archive.ts";
import type { Registry } from "../registry.ts";
import { readFile, unpack, writeFile } from "./unpack.ts";

/** Name prefix of what is not complete yet. */
const unfinished = ".tmp-";
/** What a code is called on disk: its hash. */
const hashPattern = /^[0-9a-f]{64}$/;

/** One code on disk. */
interface Entry {
  /** Bytes of its archive and of its unpacked files. */
  bytes: number;
  /** How many use it; while any does, it stays. */
  holds: number;
}

/** Where code is kept, where it comes from, and how much may stay. */
export interface CodeCacheOptions {
  /** Folder of the cache; belongs to it alone. */
  readonly dir: string;
  readonly registry: Pick<Registry, "getCode">;
  /** Bytes on disk above which the least recently used code goes, if nobody holds it. */
  readonly maxBytes: number;
  /** Whether a function has the code; what none has goes when nobody holds it any more. */
  readonly isReferenced: (hash: string) => boolean;
}

/** Code on disk. */
export interface CodeUsage {
  /** How many codes. */
  readonly count: number;
  /** Of their archives and unpacked files. */
  readonly bytes: number;
}

/** Keeps code on disk by its hash, as long as a function has it. */
export class CodeCache {
  readonly #dir: string;
  readonly #registry: Pick<Registry, "getCode">;
  readonly #maxBytes: number;
  readonly #isReferenced: (hash: string) => boolean;
  readonly #archives = new SharedTasks<Uint8Array>();
  readonly #folders = new SharedTasks<string>();
  /** By hash, least recently used first. */
  readonly #entries = new Map<string, Entry>();
  /** Hashes whose folder this process has made. */
  readonly #unpacked = new Set<string>();
  #ready: Promise<void> | undefined;
  #isRead = false;

  /**
   * A cache; its folder is made, and read, when it is first used.
   *
   * @param options where code is kept, where it comes from, and how much may stay
   */
  constructor(options: CodeCacheOptions) {
    this.#dir = options.dir;
    this.#registry = options.registry;
    this.#maxBytes = options.maxBytes;
    this.#isReferenced = options.isReferenced;
  }

  /** What is on disk; undefined as long as nobody has looked. */
  get usage(): CodeUsage | undefined {
    if (!this.#isRead) return undefined;
    const sizes = this.#entries.values().map(({ bytes }) => bytes).filter((bytes) => bytes > 0);
    return sizes.reduce((sum, bytes) => ({ count: sum.count + 1, bytes: sum.bytes + bytes }), {
      count: 0,
      bytes: 0,
    });
  }

  /**
   * The archive of some code, from the disk or else from the registry.
   *
   * @param hash lower-case hex SHA-256 of the archive
   * @throws `INSTANCE_START_FAILED` if the registry has no such code, `REGISTRY_UNAVAILABLE`
   */
  async archive(hash: string): Promise<Uint8Array> {
    using _held = this.hold(hash);
    return await this.#archives.run(hash, async () => await this.local(hash) ?? this.#fetch(hash));
  }

  /**
   * The archive of some code, if it is on this machine's disk and whole.
   *
   * @param hash lower-case hex SHA-256 of the archive
   */
  async local(hash: string): Promise<Uint8Array | undefined> {
    await this.#open();
    const path = this.#archivePath(hash);
    try {
      const archive = await readFile(path);
      if (await hashArchive(archive) === hash) return archive;
      // Half written by a crash of the machine: as good as absent.
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw this.#unusable(error);
    }
    return undefined;
  }

  /**
   * A folder with the code's files: readable by anybody, writable by nobody else.
   *
   * @param hash lower-case hex SHA-256 of the archive
   * @returns its path; it stays while somebody {@link CodeCache.hold}s the hash
   * @throws as {@link CodeCache.archive}
   */
  async folder(hash: string): Promise<string> {
    using _held = this.hold(hash);
    return await this.#folders.run(hash, () => this.#unpack(hash));
  }

  /**
   * Removes code that no function has, unless somebody holds it: then when that ends.
   *
   * @param hash lower-case hex SHA-256 of the archive; left out: of all
   */
  async collect(hash?: string): Promise<void> {
    // What is found when the folder is read is looked at then.
    if (!this.#isRead) return;
    for (const one of hash === undefined ? [...this.#entries.keys()] : [hash]) {
      if (this.#isUnused(one)) await this.#evict(one);
    }
  }

  /**
   * Keeps code from being removed, from before it is asked for until disposed.
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
   * Adds code that was made here, so that it need not be fetched.
   *
   * @param hash lower-case hex SHA-256 of the archive
   */
  async put(hash: string, archive: Uint8Array): Promise<void> {
    using _held = this.hold(hash);
    await this.#archives.run(hash, async () => {
      if (!await this.#isThere(hash, archive.length)) await this.#store(hash, archive);
      return archive;
    });
  }

  /** What a crash of the machine has left is found out when it is read. */
  async #isThere(hash: string, bytes: number): Promise<boolean> {
    await this.#open();
    try {
      return (await Deno.stat(this.#archivePath(hash))).size === bytes;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw this.#unusable(error);
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
      throw this.#unusable(error);
    }
    await this.#grown(hash, archive.length);
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
      throw this.#unusable(error);
    }
    this.#unpacked.add(hash);
    await this.#grown(hash, entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0));
    return folder;
  }

  #isUnused(hash: string): boolean {
    return this.#entries.get(hash)?.holds === 0 && !this.#isReferenced(hash);
  }

  /** Moves an entry to the young end, and adds it if it is not known. */
  #touch(hash: string): Entry {
    if (!hashPattern.test(hash)) {
      throw new ServerledgeError("INTERNAL", `Not the hash of a code: ${JSON.stringify(hash)}`);
    }
    const entry = this.#entries.get(hash) ?? { bytes: 0, holds: 0 };
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    return entry;
  }

  async #grown(hash: string, bytes: number): Promise<void> {
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
    const doomed = `${this.#dir}/${unfinished}${randomId()}`;
    try {
      // At once: who asks for the code from now on must not meet what is half removed.
      renameIfPresent(`${this.#dir}/${hash}`, doomed);
      renameIfPresent(this.#archivePath(hash), `${doomed}.tar`);
      await removeIfPresent(doomed);
      await removeIfPresent(`${doomed}.tar`);
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
      throw this.#unusable(error);
    });
    return this.#ready;
  }

  /**
   * Learns what is there, and removes what no function has. Folders are made anew by each process: they are written without waiting
   * for the disk, so those of a machine that lost its power may be incomplete.
   */
  async #start(): Promise<void> {
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o755 });
    for await (const { name, isDirectory } of Deno.readDir(this.#dir)) {
      const path = `${this.#dir}/${name}`;
      const hash = name.replace(/\.tar$/, "");
      if (name.startsWith(unfinished) || (isDirectory && hashPattern.test(name))) {
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

  #unusable(cause: unknown): ServerledgeError {
    if (cause instanceof ServerledgeError) return cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === "ENOSPC" || code === "EDQUOT"
      ? new ServerledgeError(
        "STORAGE_FULL",
        `No space is left for code in ${this.#dir} (${message}): free some, or set data.dir to another disk`,
        { cause },
      )
      : new ServerledgeError(
        "INSTANCE_START_FAILED",
        `The folder ${this.#dir} cannot keep code (${message}): check its owner`,
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
