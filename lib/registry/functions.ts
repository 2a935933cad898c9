/**
 * Registering functions: from a client's definition to a record and its code in the registry.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import { isThisMachine } from "../http/local_address.ts";
import { hashArchive } from "../model/archive.ts";
import type { Config } from "../model/config.ts";
import type { Definition, FunctionRecord } from "../model/function.ts";
import type { Catalog } from "./catalog.ts";
import type { CodeCache } from "./code_cache.ts";
import { readCode } from "./code_source.ts";
import { checkDefinition } from "./definitions.ts";
import type { Registry } from "./registry.ts";
import { checkWasmCode } from "./wasm_code.ts";

const mib = 1 << 20;

/** What built-in runtimes run on: their images and executors exist for both. */
const builtinArchitectures = ["amd64", "arm64"];

/** What {@link FunctionService} works with. */
export interface FunctionServiceOptions {
  /** Where functions are kept. */
  readonly registry: Registry;
  /** Follows the registry; outlives the service. */
  readonly catalog: Catalog;
  /** Gets the code that is created here, so that this node need not fetch it. */
  readonly codeCache: Pick<CodeCache, "put" | "hold">;
  /** Runtimes, and what may be fetched. */
  readonly config: Pick<Config, "runtimes" | "code.max" | "code.url.loopback">;
  /** Architectures that a custom image is known to run on; empty if unknown. */
  readonly architectures: (record: FunctionRecord) => Promise<string[]>;
}

/** A function whose code is stored and which is to be registered. */
interface Stored extends Disposable {
  readonly record: FunctionRecord;
}

/** Creates, updates and removes functions. */
export class FunctionService implements AsyncDisposable {
  readonly #options: FunctionServiceOptions;
  #collecting: Promise<void> | undefined;
  #collectAgain = false;

  /**
   * A service on a registry.
   *
   * @param options what it works with; nothing of it is disposed here
   */
  constructor(options: FunctionServiceOptions) {
    this.#options = options;
  }

  /**
   * Registers a function that must not exist yet.
   *
   * @throws `FUNCTION_EXISTS`, `RUNTIME_UNKNOWN`, `UNPROCESSABLE`, `PAYLOAD_TOO_LARGE`,
   *   `REGISTRY_UNAVAILABLE`
   */
  async create(definition: Definition): Promise<void> {
    const { registry, catalog } = this.#options;
    using stored = await this.#store(definition);
    const { record } = stored;
    const write = () => registry.createFunction(record);
    if (await catalog.written(record.Name, record.Version, write)) return;
    this.#collect();
    throw new ServerledgeError(
      "FUNCTION_EXISTS",
      `A function named ${record.Name} exists: update it, or choose another name`,
    );
  }

  /**
   * Registers a function, or replaces the one of that name.
   *
   * @throws as {@link FunctionService.create}, but for `FUNCTION_EXISTS`
   */
  async update(definition: Definition): Promise<void> {
    const { registry, catalog } = this.#options;
    using stored = await this.#store(definition);
    const { record } = stored;
    await catalog.written(record.Name, record.Version, async () => {
      await registry.putFunction(record);
      return true;
    });
    this.#collect();
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
      throw new ServerledgeError("FUNCTION_UNKNOWN", `There is no function named ${name}`);
    }
    this.#collect();
  }

  /** Waits for what still runs in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#collecting) await this.#collecting;
  }

  /**
   * Makes the record of a checked definition.
   *
   * @returns once its code is in the registry; on this machine it stays until this is disposed, or
   *   as long as the function is there
   */
  async #store(definition: Definition): Promise<Stored> {
    const { config, architectures } = this.#options;
    const { TarFunctionCode, ...fields } = definition;
    const runtime = checkDefinition(definition, config);
    const custom = runtime.executor === "http";
    const archive = TarFunctionCode === "" ? undefined : await readCode(TarFunctionCode, {
      maxBytes: config["code.max"] * mib,
      forbids: config["code.url.loopback"] ? () => false : isThisMachine,
    });
    if (archive && runtime.executor === "wasm") await checkWasmCode(archive, definition);
    // Custom images share files and environment between requests: one at a time is safe. A module
    // runs one call to its end before it can take another.
    const serial = custom || runtime.executor === "wasm";
    const record: FunctionRecord = {
      ...fields,
      MaxConcurrency: serial ? 1 : fields.MaxConcurrency,
      SupportedArchs: custom ? fields.SupportedArchs : builtinArchitectures,
      CodeHash: archive ? await hashArchive(archive) : "",
      Version: randomId(),
    };
    using held = new DisposableStack();
    if (archive) {
      held.use(this.#options.codeCache.hold(record.CodeHash));
      await this.#storeCode(record.CodeHash, archive);
    }
    const known = custom ? await architectures(record) : [];
    const kept = held.move();
    return {
      record: known.length > 0 ? { ...record, SupportedArchs: known } : record,
      [Symbol.dispose]: () => kept.dispose(),
    };
  }

  async #storeCode(hash: string, archive: Uint8Array): Promise<void> {
    await this.#options.registry.putCode(hash, archive);
    try {
      await this.#options.codeCache.put(hash, archive);
    } catch (error) {
      // It can be fetched from the registry later; the function is registered all the same.
      logger("registry").warn("Code {hash} is not cached: {error}", { hash, error });
    }
  }

  /** Removes unreferenced code in the background, one run at a time and one more if asked again. */
  #collect(): void {
    if (this.#collecting) {
      this.#collectAgain = true;
      return;
    }
    this.#collecting = this.#options.registry.collectCode()
      .then(() => {}, (error) => logger("registry").warn("Cannot collect code: {error}", { error }))
      .finally(() => {
        this.#collecting = undefined;
        if (this.#collectAgain) {
          this.#collectAgain = false;
          this.#collect();
        }
      });
  }
}
