/**
 * Registers functions: validates a client's definition and stores its record and code.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import { isThisMachine } from "../http/local_address.ts";
import { hashArchive } from "../archive/archive.ts";
import type { Config } from "../config/config.ts";
import {
  type Definition,
  type FunctionRecord,
  functionUnknown,
  patchDefinition,
} from "../model/function.ts";
import type { Catalog } from "./catalog.ts";
import type { CodeCache } from "./code/cache.ts";
import { readCode } from "./code/source.ts";
import { checkDefinition } from "./definitions.ts";
import type { Registry } from "./registry.ts";
import { kindOf } from "../runtime/kinds/kinds.ts";
import { checkWasmCode } from "./code/wasm.ts";

const mib = 1 << 20;

/** Architectures of built-in runtimes; their images and executors exist for both. */
const builtinArchitectures = ["amd64", "arm64"];

/** Dependencies of {@link FunctionService}. */
export interface FunctionServiceOptions {
  /** Stores the functions. */
  readonly registry: Registry;
  /** Follows the registry; outlives the service. */
  readonly catalog: Catalog;
  /** Receives the code of functions created on this node, which then need not fetch it. */
  readonly codeCache: Pick<CodeCache, "put" | "hold" | "archive">;
  /** Runtimes, and limits of code that is fetched. */
  readonly config: Pick<Config, "runtimes" | "code.max" | "code.url.loopback">;
  /** Returns the architectures that a custom image runs on; empty if unknown. */
  readonly architectures: (record: FunctionRecord) => Promise<string[]>;
}

/** Throws if the client of a change may not make it. */
export type AuthorizeChange = (before: FunctionRecord, after: Definition) => void;

/** Maximum number of attempts of a change while other clients change the function. */
const maxPatchTries = 5;

/** A function that can be registered: its code is stored. */
interface Stored extends Disposable {
  readonly record: FunctionRecord;
}

/** Creates, updates and removes functions. */
export class FunctionService implements AsyncDisposable {
  readonly #options: FunctionServiceOptions;
  /** Pending change of each function; the next change waits for it. */
  readonly #patches = new Map<string, Promise<void>>();
  #collecting: Promise<void> | undefined;
  #collectAgain = false;

  /**
   * Creates a service on a registry.
   *
   * @param options dependencies, which the service does not dispose
   */
  constructor(options: FunctionServiceOptions) {
    this.#options = options;
  }

  /**
   * Registers a function. Fails if a function of that name exists, unless its record is unreadable.
   *
   * @param reserve reserves the memory that the code takes in addition to the definition
   * @throws `FUNCTION_EXISTS`, `RUNTIME_UNKNOWN`, `UNPROCESSABLE`, `PAYLOAD_TOO_LARGE`,
   *   `REGISTRY_UNAVAILABLE`
   */
  async create(definition: Definition, reserve?: ReserveMemory): Promise<void> {
    const { registry, catalog } = this.#options;
    using stored = await this.#store(definition, reserve);
    const { record } = stored;
    if (catalog.isDamaged(record.name)) return await this.#put(record);
    const write = () => registry.createFunction(record);
    if (await catalog.written(record.name, record.version, write)) return;
    this.#collect();
    throw new ServerledgeError(
      "FUNCTION_EXISTS",
      `A function named "${record.name}" already exists: update it ("serverledge update", or "serverledge create ` +
        `--update"), or choose another name`,
    );
  }

  /**
   * Registers a function, or replaces the one of that name.
   *
   * @throws as {@link FunctionService.create}, except `FUNCTION_EXISTS`
   */
  async update(definition: Definition, reserve?: ReserveMemory): Promise<void> {
    using stored = await this.#store(definition, reserve);
    await this.#put(stored.record);
  }

  /**
   * Changes a function. Fields that the changes do not name keep their values, including the code.
   * Changes by other clients that this node receives in the meantime are kept. If two nodes change
   * the function before either receives the other's change, the later write wins.
   *
   * @param name name of the function
   * @param changes fields to change, as in {@link patchDefinition}
   * @param authorize throws if the client may not make the change
   * @throws as {@link FunctionService.update}, `FUNCTION_UNKNOWN` and `FUNCTION_DAMAGED`
   */
  async patch(
    name: string,
    changes: unknown,
    authorize: AuthorizeChange,
    reserve?: ReserveMemory,
  ): Promise<void> {
    const patching = (this.#patches.get(name) ?? Promise.resolve())
      .then(() => this.#patch(name, changes, authorize, reserve));
    const ended = patching.catch(() => {});
    this.#patches.set(name, ended);
    try {
      await patching;
    } finally {
      if (this.#patches.get(name) === ended) this.#patches.delete(name);
    }
  }

  /**
   * Removes a function.
   *
   * @throws `FUNCTION_UNKNOWN`, `REGISTRY_UNAVAILABLE`
   */
  async remove(name: string): Promise<void> {
    const { registry, catalog } = this.#options;
    const write = () => registry.deleteFunction(name);
    if (!await catalog.written(name, undefined, write)) {
      throw functionUnknown(name);
    }
    this.#collect();
  }

  /** Waits for background tasks. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#collecting) await this.#collecting;
  }

  async #patch(
    name: string,
    changes: unknown,
    authorize: AuthorizeChange,
    reserve?: ReserveMemory,
  ): Promise<void> {
    const { catalog } = this.#options;
    for (let tries = 1;; tries++) {
      const before = catalog.get(name);
      if (!before) {
        throw functionUnknown(name);
      }
      const after = patchDefinition(before, changes);
      authorize(before, after);
      using stored = await this.#store(after, reserve, before.codeHash);
      if (catalog.get(name)?.version !== before.version && tries < maxPatchTries) continue;
      return await this.#put(stored.record);
    }
  }

  async #put(record: FunctionRecord): Promise<void> {
    const { registry, catalog } = this.#options;
    await catalog.written(record.name, record.version, async () => {
      await registry.putFunction(record);
      return true;
    });
    this.#collect();
  }

  /**
   * Makes the record of a definition, and stores its code in the registry.
   *
   * @param keptHash hash of the code that the function keeps if the definition contains none; empty
   *   if there is no such code
   * @returns the record; this machine keeps the code until the result is disposed, and after that as
   *   long as the function exists
   */
  async #store(
    definition: Definition,
    reserve: ReserveMemory = () => {},
    keptHash = "",
  ): Promise<Stored> {
    const { config, architectures, codeCache } = this.#options;
    const { code, ...fields } = definition;
    const brings = code !== "";
    const runtime = checkDefinition(definition, config, brings || keptHash !== "");
    const custom = runtime.executor === "http";
    const archive = !brings ? undefined : await readCode(code, {
      maxBytes: config["code.max"] * mib,
      forbids: config["code.url.loopback"] ? () => false : isThisMachine,
      reserve,
    });
    const hash = archive ? await hashArchive(archive) : custom ? "" : keptHash;
    using held = new DisposableStack();
    if (hash !== "") held.use(codeCache.hold(hash));
    if (runtime.executor === "wasm") {
      await checkWasmCode(archive ?? await codeCache.archive(hash), definition);
    }
    const serial = kindOf(runtime.executor).isSerial;
    const record: FunctionRecord = {
      ...fields,
      maxConcurrency: serial ? 1 : fields.maxConcurrency,
      architectures: custom ? fields.architectures : builtinArchitectures,
      codeHash: hash,
      version: randomId(),
    };
    if (archive) await this.#storeCode(hash, archive);
    const known = custom ? await architectures(record) : [];
    const kept = held.move();
    return {
      record: known.length > 0 ? { ...record, architectures: known } : record,
      [Symbol.dispose]: () => kept.dispose(),
    };
  }

  async #storeCode(hash: string, archive: Uint8Array): Promise<void> {
    await this.#options.registry.putCode(hash, archive);
    try {
      await this.#options.codeCache.put(hash, archive);
    } catch (error) {
      // The function is registered anyway; its code can be fetched from the registry later.
      logger("registry").warn("Code {hash} is not cached: {error}", { hash, error });
    }
  }

  /**
   * Removes unreferenced code in the background, one run at a time. A call during a run causes one
   * more run.
   */
  #collect(): void {
    if (this.#collecting) {
      this.#collectAgain = true;
      return;
    }
    this.#collecting = this.#options.registry.collectCode()
      .then(
        () => {},
        (error) => logger("registry").warn("Cannot delete unused code: {error}", { error }),
      )
      .finally(() => {
        this.#collecting = undefined;
        if (this.#collectAgain) {
          this.#collectAgain = false;
          this.#collect();
        }
      });
  }
}
