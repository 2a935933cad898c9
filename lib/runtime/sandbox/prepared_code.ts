/**
 * Prepared code on disk, from which sandboxes load it. A separate process creates it once for each code and
 * handler. It is kept while there is space.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { SharedTasks, TaskSet } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { readTar } from "../../archive/archive.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { SandboxExecutor } from "../kinds/kinds.ts";
import { findWasmHandler, type WasmHandler } from "../../wasm/function.ts";
import type { PrepareAnswer } from "./prepare/main.ts";
import { type PreparerOptions, runPreparer } from "./preparer.ts";

/** Maximum size of prepared code on disk, bytes. Above it the least recently used code is removed. */
const maxBytes = 256 << 20;

/** Archives of code by hash. */
export interface CodeArchives {
  /** Returns the TAR archive with a hash. */
  archive(hash: string): Promise<Uint8Array>;
}

/** Code that functions still use. */
export interface CodeReferences {
  /** Reports whether a function uses the code with this hash. */
  has(hash: string): boolean;
  /** Adds a listener, which receives the hash of each code that has lost its last function. */
  onUnreferenced(listener: (hash: string) => void): Disposable;
}

/** Prepared code. It stays on disk until the lease is disposed. */
export interface CodeLease extends Disposable {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Path of the main file, relative to the folder. */
  readonly entry: string;
  /** Name of the export to call; empty for the default one. */
  readonly exportName: string;
}

/** Record of prepared code. */
interface Entry {
  readonly hash: string;
  readonly folder: string;
  readonly entry: string;
  readonly exportName: string;
  readonly bytes: number;
  users: number;
}

/** Dependencies of the preparation. */
export interface PreparedCodeOptions {
  /** Folder for prepared code. Sandboxes can enter but not list it. */
  readonly folder: string;
  readonly code: CodeArchives;
  /** Code that functions use. Other code is removed when it is not leased. */
  readonly references: CodeReferences;
  /** Program that prepares code, and its limits. */
  readonly preparer: PreparerOptions;
}

/** Cache of prepared code. */
export class PreparedCode implements AsyncDisposable {
  readonly #options: PreparedCodeOptions;
  readonly #closing = new AbortController();
  readonly #preparing = new TaskSet();
  readonly #tasks = new SharedTasks<Entry>();
  /** Entries by key, least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #following: Disposable;

  /** Creates a cache without entries, and follows which code functions use. */
  constructor(options: PreparedCodeOptions) {
    this.#options = options;
    this.#following = options.references.onUnreferenced(() => this.#makeRoom());
  }

  /**
   * Prepares the code of a function.
   *
   * @throws `FUNCTION_ERROR` if the code has an error, `INSTANCE_START_FAILED`, or an error of the archives
   */
  async lease(fn: FunctionRecord, executor: SandboxExecutor): Promise<CodeLease> {
    const key = `${executor} ${fn.codeHash} ${fn.handler}`;
    const entry = this.#entries.get(key) ??
      await this.#tasks.run(key, () => this.#preparing.add(this.#prepare(key, fn, executor)));
    // The entry becomes the most recently used, even if it was just evicted: its folder is removed only when
    // unused.
    if (this.#entries.delete(key)) this.#entries.set(key, entry);
    entry.users++;
    let held = true;
    const { folder, entry: file, exportName } = entry;
    return {
      folder,
      entry: file,
      exportName,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        entry.users--;
        this.#makeRoom();
      },
    };
  }

  /** Aborts all preparations. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#following[Symbol.dispose]();
    this.#closing.abort(new ServerledgeError("SHUTTING_DOWN", "The node is shutting down"));
    await this.#preparing.settled();
  }

  async #prepare(key: string, fn: FunctionRecord, executor: SandboxExecutor): Promise<Entry> {
    const archive = await this.#options.code.archive(fn.codeHash);
    // The name cannot be guessed, so an escaped sandbox cannot find another function's code.
    const folder = join(this.#options.folder, randomId());
    this.#closing.signal.throwIfAborted();
    try {
      const made = executor === "wasm"
        ? await this.#unpackModule(archive, fn, folder)
        : await this.#prepareModules(archive, fn, folder);
      const entry: Entry = { hash: fn.codeHash, folder, ...made, users: 0 };
      this.#entries.set(key, entry);
      this.#makeRoom(entry);
      return entry;
    } catch (error) {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
      throw error;
    }
  }

  async #prepareModules(archive: Uint8Array, fn: FunctionRecord, folder: string) {
    const answer = await runPreparer(
      this.#options.preparer,
      archive,
      fn.handler,
      this.#closing.signal,
    );
    if ("problem" in answer) throw codeError(answer.problem);
    const encoder = new TextEncoder();
    return await this.#write(
      folder,
      answer,
      answer.files.map(([path, text]) => ({
        path,
        data: encoder.encode(text),
      })),
    );
  }

  /** Unpacks a WebAssembly module, which needs no preparation. */
  async #unpackModule(archive: Uint8Array, { handler }: FunctionRecord, folder: string) {
    const files = (await readTar(archive)).filter(({ data }) => data !== null);
    const { path, name } = findHandler(handler, files.map(({ path }) => path));
    const { data } = files.find((file) => file.path === path)!;
    const made = { entry: "module.wasm", exportName: name };
    return await this.#write(folder, made, [{ path: made.entry, data: data! }]);
  }

  async #write(
    folder: string,
    { entry, exportName }: Pick<Extract<PrepareAnswer, { entry: string }>, "entry" | "exportName">,
    files: readonly { path: string; data: Uint8Array }[],
  ): Promise<Omit<Entry, "hash" | "folder" | "users">> {
    let bytes = 0;
    const folders = new Set<string>();
    for (const { path, data } of files) {
      const file = join(folder, path);
      const parent = dirname(file);
      if (!folders.has(parent)) {
        folders.add(parent);
        await Deno.mkdir(parent, { recursive: true, mode: 0o755 });
      }
      await Deno.writeFile(file, data, { createNew: true, mode: 0o644 });
      bytes += data.length;
    }
    return { entry, exportName, bytes };
  }

  /** Removes code that no function uses, and the least recently used code above the maximum size. */
  #makeRoom(young?: Entry): void {
    let total = this.#entries.values().reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, entry] of [...this.#entries]) {
      if (entry.users > 0 || entry === young) continue;
      if (total <= maxBytes && this.#options.references.has(entry.hash)) continue;
      total -= entry.bytes;
      this.#entries.delete(key);
      Deno.remove(entry.folder, { recursive: true }).catch((error) => {
        const problem = String(error);
        logger("runtime").warn("Cannot remove prepared code {folder}: {problem}", {
          folder: entry.folder,
          problem,
        });
      });
    }
  }
}

function findHandler(handler: string, paths: readonly string[]): WasmHandler {
  try {
    return findWasmHandler(handler, paths);
  } catch (error) {
    throw codeError((error as Error).message);
  }
}

/** Creates the error for a mistake in the function's code. */
function codeError(problem: string): ServerledgeError {
  const error = { type: "SyntaxError", message: problem };
  return new ServerledgeError("FUNCTION_ERROR", `Cannot run the code: ${problem}`, {
    details: { error, traceback: "", output: "" },
  });
}
