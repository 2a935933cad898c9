/**
 * The embedded registry of a single node: one SQLite file, without another service to install.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { Listeners } from "../../base/listeners.ts";
import { functionNames, type FunctionRecord, storedFunctionSchema } from "../../model/function.ts";
import {
  decodeLongResult,
  encodeLongResult,
  isLongResult,
  type LongResult,
} from "../long_results.ts";
import { Pins } from "../pins.ts";
import { parseRecord, readRecord, UnreadableValues } from "../records.ts";
import {
  type AsyncResult,
  asyncResultSchema,
  type DamagedFunction,
  type FunctionObserver,
  type NodeObserver,
  type Registration,
  type Registry,
  type RegistryHealth,
  storedResult,
} from "../registry.ts";
import type { Collection, RecordKind } from "../collection.ts";
import { selectRecords, SqliteCollection } from "./collection.ts";
import { layout } from "./layout.ts";
import { Parts, wholeBytes } from "./parts.ts";
import { openDatabase, prepareAll, type Prepared, unusable } from "./sqlite_file.ts";

/** Name of its file in the data folder. */
export const registryFile = "registry.db";

const statements = {
  create: "INSERT INTO functions VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  put: "INSERT OR REPLACE INTO functions VALUES (?, ?, ?)",
  remove: "DELETE FROM functions WHERE name = ?",
  functions: "SELECT name, record FROM functions ORDER BY name",
  createRecord: "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  putRecord: "INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
  getRecord: "SELECT record FROM records WHERE kind = ? AND id = ?",
  removeRecord: "DELETE FROM records WHERE kind = ? AND id = ?",
  records: selectRecords,
  putCode: "INSERT INTO code VALUES (?, ?) ON CONFLICT DO NOTHING",
  hasCode: "SELECT 1 FROM code WHERE hash = ?",
  getCode: "SELECT archive FROM code WHERE hash = ?",
  unreferenced: "SELECT hash FROM code WHERE hash NOT IN (SELECT code_hash FROM functions)",
  removeCode: "DELETE FROM code WHERE hash = ?",
  isNamed: "SELECT 1 FROM code WHERE hash = ? UNION SELECT 1 FROM results WHERE parts = ?",
  expire: "DELETE FROM results WHERE expires_at <= ? RETURNING parts",
  putResult: "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)",
  getResult: "SELECT result, parts FROM results WHERE id = ? AND expires_at > ?",
  pending: "SELECT id FROM results WHERE pending_on = ? AND expires_at > ? ORDER BY id",
} as const;

/** Placeholder of an archive that is stored in parts. */
const inParts = new Uint8Array();

type Statements = Prepared<typeof statements>;

/** Interval of checks for changes by another process, ms. */
const sharedCheckMs = 100;

/**
 * Opens the embedded registry, and creates it if it does not exist.
 *
 * @param path path of its file, or `:memory:`
 * @param clock times the expiration of results and pins
 * @param shared resolves when another process of the node, which uses the file as well, has ended
 * @throws `REGISTRY_UNAVAILABLE` if the file cannot be used
 */
export function openSqlite(
  path: string,
  clock: Clock = systemClock,
  shared?: Promise<void>,
): Registry {
  return new SqliteRegistry(path, openDatabase(path, layout), clock, shared);
}

class SqliteRegistry implements Registry {
  readonly description: string;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #parts: Parts;
  /** Owners of parts that are being written and that no row refers to yet. */
  readonly #writing = new Set<string>();
  readonly #clock: Clock;
  readonly #observers = new Listeners<FunctionObserver>("registry");
  /** By the name of their kind, created on first use. */
  readonly #collections = new Map<string, SqliteCollection<unknown>>();
  readonly #pins: Pins<true>;
  #failed: { reason: string; at: number } | undefined;
  #open = true;
  #isShared = false;

  constructor(path: string, database: DatabaseSync, clock: Clock, shared?: Promise<void>) {
    this.description = `embedded (${path})`;
    this.#path = path;
    this.#database = database;
    this.#clock = clock;
    this.#pins = new Pins(() => clock.now());
    this.#statements = prepareAll(database, statements);
    this.#parts = new Parts(database);
    if (shared) this.#share(shared);
  }

  health(): RegistryHealth {
    if (!this.#failed) return { ok: true };
    const { reason, at } = this.#failed;
    return { ok: false, reason, sinceMs: this.#clock.now() - at };
  }

  createFunction(record: FunctionRecord): Promise<boolean> {
    return this.#run(({ create }) => {
      const { changes } = create.run(
        record.name,
        record.codeHash,
        JSON.stringify(functionNames.toWire(record)),
      );
      this.#pins.take(record.codeHash);
      if (changes === 0) return false;
      this.#observers.each((observer) => observer.put(record));
      return true;
    });
  }

  putFunction(record: FunctionRecord): Promise<void> {
    return this.#run(({ put }) => {
      put.run(record.name, record.codeHash, JSON.stringify(functionNames.toWire(record)));
      this.#pins.take(record.codeHash);
      this.#observers.each((observer) => observer.put(record));
    });
  }

  deleteFunction(name: string): Promise<boolean> {
    return this.#run(({ remove }) => {
      if (remove.run(name).changes === 0) return false;
      this.#observers.each((observer) => observer.remove(name));
      return true;
    });
  }

  watchFunctions(observer: FunctionObserver): Promise<Disposable> {
    return this.#run((prepared) => {
      const { records, damaged } = this.#readFunctions(prepared);
      observer.reset(records, damaged);
      return this.#observers.add(observer);
    });
  }

  collection<T>(kind: RecordKind<T>): Collection<T> {
    const known = this.#collections.get(kind.name) as SqliteCollection<T> | undefined;
    if (known) return known;
    const collection = new SqliteCollection(kind, (step) => this.#run(step), this.#clock);
    this.#collections.set(kind.name, collection as SqliteCollection<unknown>);
    return collection;
  }

  putCode(hash: string, code: Uint8Array): Promise<void> {
    return this.#run(async ({ putCode, hasCode }) => {
      this.#pins.add(hash, true);
      if (hasCode.get(hash)) return;
      if (code.length <= wholeBytes) putCode.run(hash, code);
      else {
        await this.#parts.write(hash, code);
        putCode.run(hash, inParts);
      }
    });
  }

  getCode(hash: string): Promise<Uint8Array | undefined> {
    return this.#run(({ getCode }) => {
      const archive = getCode.get(hash)?.archive as Uint8Array | undefined;
      return archive?.length === 0 ? this.#parts.read(hash) : archive;
    });
  }

  collectCode(): Promise<number> {
    // What the other process has written may not be referenced yet.
    if (this.#isShared) return Promise.resolve(0);
    return this.#run(async ({ unreferenced, removeCode, isNamed }) => {
      const stored = unreferenced.all() as { hash: string }[];
      const unused = stored.filter(({ hash }) => !this.#pins.has(hash));
      for (const { hash } of unused) removeCode.run(hash);
      const isWanted = (owner: string) =>
        this.#pins.has(owner) || this.#writing.has(owner) ||
        isNamed.get(owner, owner) !== undefined;
      for (const owner of this.#parts.owners()) {
        await this.#parts.remove(owner, () => isWanted(owner));
      }
      return unused.length;
    });
  }

  putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void> {
    return this.#run(async ({ putResult, expire }) => {
      const parts = isLongResult(result, wholeBytes) ? await this.#writeResult(result) : null;
      const now = this.#clock.wall();
      const pendingOn = result.state === "pending" ? result.node : null;
      const text = parts ? "" : JSON.stringify(storedResult(result));
      putResult.run(id, pendingOn, text, Math.ceil(now + ttlMs), parts);
      if (parts) this.#writing.delete(parts);
      for (const { parts: owner } of expire.all(Math.floor(now))) {
        if (owner) await this.#parts.remove(owner as string);
      }
    });
  }

  getResult(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined> {
    return this.#run(async ({ getResult }) => {
      const row = getResult.get(id, Math.floor(this.#clock.wall()));
      if (!row?.parts) {
        return row && readRecord(asyncResultSchema, row.result as string, `result ${id}`);
      }
      const json = await this.#parts.read(row.parts as string, reserve);
      return json && await decodeLongResult(json, `result ${id}`);
    });
  }

  /**
   * Writes a long result in parts.
   *
   * @returns the owner of the parts, which `collectCode` keeps until a row refers to them
   */
  async #writeResult(result: LongResult): Promise<string> {
    const owner = `result/${randomId()}`;
    this.#writing.add(owner);
    try {
      await this.#parts.write(owner, encodeLongResult(result));
      return owner;
    } catch (error) {
      this.#writing.delete(owner);
      throw error;
    }
  }

  pendingResults(node: string): Promise<string[]> {
    return this.#run(({ pending }) => {
      const rows = pending.all(node, Math.floor(this.#clock.wall())) as { id: string }[];
      return rows.map(({ id }) => id);
    });
  }

  /** Returns no registration: only one node uses the file. */
  registeredNode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  registerNode(): Registration {
    return {
      conflict: undefined,
      abandon: () => {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  watchNodes(observer: NodeObserver): Promise<Disposable> {
    return this.#run(() => {
      observer.reset([]);
      return { [Symbol.dispose]: () => {} };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#database.close();
    this.#open = false;
    return Promise.resolve();
  }

  /** Follows the changes of another process until it has ended. */
  #share(gone: Promise<void>): void {
    this.#isShared = true;
    const version = () => this.#database.prepare("PRAGMA data_version").get()?.data_version;
    let seen = version();
    const follow = () => {
      if (!this.#open) return;
      const now = version();
      if (now !== seen) void this.#refresh();
      seen = now;
      if (this.#isShared) this.#clock.after(sharedCheckMs, follow);
    };
    follow();
    void gone.then(() => {
      this.#isShared = false;
      follow();
    });
  }

  async #refresh(): Promise<void> {
    try {
      await this.#run((prepared) => {
        const { records, damaged } = this.#readFunctions(prepared);
        this.#observers.each((observer) => observer.reset(records, damaged));
      });
      for (const collection of this.#collections.values()) await collection.refresh();
    } catch {
      // The file cannot be used, which `health` reports.
    }
  }

  #readFunctions(
    { functions }: Statements,
  ): { records: FunctionRecord[]; damaged: DamagedFunction[] } {
    const records: FunctionRecord[] = [];
    const damaged: DamagedFunction[] = [];
    using unreadable = new UnreadableValues(this.#clock);
    // iterate() is not used: in Deno 2.7.11 it ends without an error at a damaged page
    // (`tests/probes/`; no public issue is known).
    for (const { name, record } of functions.all()) {
      const read = parseRecord(storedFunctionSchema, record as string);
      if ("record" in read) {
        records.push(read.record);
        continue;
      }
      unreadable.add(`function ${name}`, read.problem);
      damaged.push({ name: name as string, problem: read.problem });
    }
    return { records, damaged };
  }

  /** Runs a step and records whether the file could be used. */
  async #run<T>(step: (prepared: Statements) => T | Promise<T>): Promise<T> {
    if (!this.#open) {
      throw new ServerledgeError("REGISTRY_UNAVAILABLE", `The registry ${this.#path} is closed`);
    }
    try {
      const result = await step(this.#statements);
      this.#failed = undefined;
      return result;
    } catch (cause) {
      if (cause instanceof ServerledgeError) throw cause;
      const error = unusable(this.#path, cause);
      this.#failed ??= { reason: error.message, at: this.#clock.now() };
      throw error;
    }
  }
}
