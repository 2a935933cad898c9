/**
 * Prepared code on disk, as sandboxes load it: created once per code and handler, by a separate process,
 * and kept while there is space.
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

/** Bytes on disk above which the least recently used code is removed. */
const maxBytes = 256 << 20;

/** Archives of code by their hash. */
export interface CodeArchives {
  /** The TAR archive. */
  archive(hash: string): Promise<Uint8Array>;
}

/** Code that functions still use. */
export interface CodeReferences {
  /** True if a function has the code of this hash. */
  has(hash: string): boolean;
  /** Tells the hash of each code whose last function is gone. */
  onUnreferenced(listener: (hash: string) => void): Disposable;
}

/** Prepared code, which stays on disk until disposed. */
export interface CodeLease extends Disposable {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** The file where it begins, relative to the folder. */
  readonly entry: string;
  /** Which export is called; empty for the usual one. */
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
  /** Folder for prepared code; can be entered by sandboxes and not listed. */
  readonly folder: string;
  readonly code: CodeArchives;
  /** Code that no function has is removed when nobody uses it any more. */
  readonly references: CodeReferences;
  /** What is run to prepare code, and what bounds it. */
  readonly preparer: PreparerOptions;
}

/** Cache of prepared code. */
export class PreparedCode implements AsyncDisposable {
  readonly #options: PreparedCodeOptions;
  readonly #closing = new AbortController();
  readonly #preparing = new TaskSet();
  readonly #tasks = new SharedTasks<Entry>();
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #following: Disposable;

  constructor(options: PreparedCodeOptions) {
    this.#options = options;
    this.#following = options.references.onUnreferenced(() => this.#makeRoom());
  }

  /**
   * Prepares the code of a function.
   *
   * @throws `FUNCTION_ERROR` if something is wrong with it, `INSTANCE_START_FAILED`, or as the
   *   archives
   */
  async lease(fn: FunctionRecord, executor: SandboxExecutor): Promise<CodeLease> {
    const key = `${executor} ${fn.codeHash} ${fn.handler}`;
    const entry = this.#entries.get(key) ??
      await this.#tasks.run(key, () => this.#preparing.add(this.#prepare(key, fn, executor)));
    // Most recently used; even if it was just evicted, its folder is removed only when unused.
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
    // The name cannot be guessed: an escaped sandbox finds no other function's code by it.
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

  /** A module is run as it is. */
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

  /** Removes code that no function has, and the least recently used if there is too much. */
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
  return new ServerledgeError("FUNCTION_ERROR", `The code cannot be run: ${problem}`, {
    details: { error, traceback: "", output: "" },
  });
}
