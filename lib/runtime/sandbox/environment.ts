/**
 * Execution environment of functions in sandboxes: processes of this program that have revoked all
 * permissions. It needs neither Docker nor images.
 *
 * @module
 */

import { abortable, AbortableTasks } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { isThisMachine } from "../../http/local_address.ts";
import { type Config, findRuntime } from "../../config/config.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { isSandboxed, kinds, type SandboxExecutor } from "../kinds/kinds.ts";
import { noSecrets, type SecretSource } from "../../secrets/instance_secrets.ts";
import type { OutputSink } from "../wire/call_output.ts";
import type { ResultMemory } from "../wire/result_memory.ts";
import type {
  ExecutionEnvironment,
  GenericInstance,
  GenericKind,
  Instance,
} from "../environment.ts";
import { FetchBroker } from "./fetch_broker.ts";
import { SandboxInstance } from "./instance.ts";
import { endLeftovers } from "./leftovers.ts";
import type { Bounds } from "./limits/cgroups.ts";
import { ResourceLimits } from "./limits/limits.ts";
import {
  type CodeArchives,
  type CodeLease,
  type CodeReferences,
  PreparedCode,
} from "./prepared_code.ts";
import { type Program, SandboxFolder } from "./folder.ts";
import { Sandbox } from "./sandbox.ts";
import type { SandboxSpec } from "./spec.ts";

/** Maximum number of functions in the queue for preparation in advance. */
const maxToPrepare = 16;
/** Time limit for loading a function's code, ms. */
const loadTimeoutMs = 30_000;

/** Dependencies of the environment. */
export interface SandboxOptions {
  /** Configuration of the node. */
  readonly config: Pick<Config, "runtimes" | "container.pids" | "sandbox.launcher">;
  readonly nodeId: string;
  /** Id of this process of the node. */
  readonly process: string;
  /** Resolves when an earlier process of the node has ended, if it is still running. */
  readonly formerEnded?: Promise<void> | undefined;
  /** Area of the node, passed to functions. */
  readonly area: string;
  readonly code: CodeArchives;
  /** Code that functions still use. */
  readonly references: CodeReferences;
  /** Private folder of the node. */
  readonly runDir: string;
  /** Program that sandboxes run; by default this one. */
  readonly program?: Program;
  /** Receives the output of functions. */
  readonly output: OutputSink;
  /** Source of the secrets of functions; none if absent. */
  readonly secrets?: SecretSource;
  /** Memory budget of results. */
  readonly results: ResultMemory;
  /**
   * Reports whether functions with a network may not access an address. By default they may not access this
   * machine's.
   */
  readonly forbids?: (address: string) => boolean;
  /** False to limit memory without control groups. By default they are used if possible. */
  readonly controlGroups?: boolean;
}

/** Execution environment whose instances are sandboxes. */
export class SandboxEnvironment implements ExecutionEnvironment {
  readonly #options: SandboxOptions;
  readonly #folder: SandboxFolder;
  readonly #code: PreparedCode;
  /** Queue of functions whose code is prepared in advance. */
  readonly #toPrepare = new Map<string, FunctionRecord>();
  #preparing: Promise<void> | undefined;
  readonly #limits: ResourceLimits;
  readonly #living = new Set<AsyncDisposable>();
  readonly #starts = new AbortableTasks();

  private constructor(options: SandboxOptions, folder: SandboxFolder, limits: ResourceLimits) {
    this.#options = options;
    this.#folder = folder;
    this.#limits = limits;
    const { program, path } = folder;
    const { code, references } = options;
    this.#code = new PreparedCode({
      folder: path,
      code,
      references,
      preparer: { program, limits },
    });
  }

  /**
   * Opens the environment.
   *
   * @throws if its folder cannot be created
   */
  static async open(options: SandboxOptions): Promise<SandboxEnvironment> {
    const { nodeId, process, formerEnded, runDir, config, program } = options;
    const owner = { nodeId, process };
    if (formerEnded) void formerEnded.then(() => endLeftovers(owner));
    else endLeftovers(owner);
    const useGroups = options.controlGroups ?? true;
    const limits = await ResourceLimits.open(owner, useGroups, formerEnded);
    const launcher = config["sandbox.launcher"];
    const folder = await SandboxFolder.open(runDir, { launcher, program, formerEnded });
    return new SandboxEnvironment(options, folder, limits);
  }

  async startGeneric(_kind: GenericKind, signal: AbortSignal): Promise<GenericInstance> {
    const sandbox = await this.#starts.run(signal, (either) => this.#startSandbox(either));
    this.#living.add(sandbox);
    void sandbox.process.ended.then(() => this.#living.delete(sandbox));
    return {
      ended: sandbox.process.ended,
      specialize: (fn, signal) =>
        this.#starts.run(signal, (either) => this.#start(fn, either, sandbox)),
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    };
  }

  /**
   * Implements {@link ExecutionEnvironment.follow}. Prepares code of functions in advance, one at a time.
   * Code beyond the maximum length of the queue is prepared at its first start.
   */
  follow(name: string, fn: FunctionRecord | undefined): void {
    if (fn) this.#toPrepare.set(name, fn);
    else this.#toPrepare.delete(name);
    if (this.#toPrepare.size > maxToPrepare) this.#toPrepare.delete(name);
    this.#preparing ??= this.#prepareAll().finally(() => this.#preparing = undefined);
  }

  /** True if the kernel limits memory, false if the node monitors it. */
  get boundByKernel(): boolean {
    return this.#limits.byKernel;
  }

  async prepare(fn: FunctionRecord): Promise<void> {
    using _code = await this.#code.lease(fn, this.#executor(fn));
  }

  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await this.#starts.run(signal, (either) => this.#start(fn, either));
  }

  /** Implements {@link ExecutionEnvironment.architectures}. Prepared code runs on any architecture. */
  architectures(): Promise<string[]> {
    return Promise.resolve([]);
  }

  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  /** Implements {@link ExecutionEnvironment.available}. The environment is part of the program. */
  available(): Promise<true> {
    return Promise.resolve(true);
  }

  /** Ends all sandboxes and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#toPrepare.clear();
    const closed = new ServerledgeError("SHUTTING_DOWN", "The node is shutting down");
    await Promise.allSettled([this.#starts.close(closed), this.#preparing]);
    await this.#code[Symbol.asyncDispose]();
    await Promise.all([...this.#living].map((one) => one[Symbol.asyncDispose]()));
    await this.#limits[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #prepareAll(): Promise<void> {
    for (const [name, fn] of this.#toPrepare) {
      this.#toPrepare.delete(name);
      // Invocations of the function report errors of its code.
      await this.prepare(fn).catch(() => {});
    }
  }

  /** @param generic sandbox to specialize; if omitted, a new one is started */
  async #start(fn: FunctionRecord, signal: AbortSignal, generic?: Sandbox): Promise<Instance> {
    await using cleanup = new AsyncDisposableStack();
    if (generic) cleanup.use(generic);
    const executor = this.#executor(fn);
    const variables = await this.#secretVariables(fn);
    const code = cleanup.use(await this.#leaseCode(fn, executor, signal));
    const resources = new AsyncDisposableStack();
    this.#living.add(resources);
    cleanup.defer(() => void this.#living.delete(resources));
    cleanup.use(resources);
    const sandbox = resources.use(generic ?? await this.#startSandbox(signal));
    const { process, connection, confinement } = sandbox;
    confinement.bound(this.#bounds(fn, executor), {
      busy: () => connection.calls > 0,
      onIdle: () => connection.ring(),
    });
    confinement.resume();
    if (fn.network === "bridge") {
      const forbids = this.#options.forbids ?? isThisMachine;
      resources.use(new FetchBroker(connection, forbids));
    }
    const spec = { ...this.#spec(fn, executor, code, sandbox), env: { ...fn.env, ...variables } };
    await abortable(sandbox.load(spec, loadTimeoutMs), signal);
    return new SandboxInstance(fn, generic ? "generic" : "fresh", {
      process,
      connection,
      confinement,
      output: this.#options.output,
      cleanup: cleanup.move(),
    });
  }

  async #secretVariables(fn: FunctionRecord): Promise<Readonly<Record<string, string>>> {
    const { secrets = noSecrets } = this.#options;
    return (await secrets.forInstance(fn))?.variables ?? {};
  }

  async #startSandbox(signal: AbortSignal): Promise<Sandbox> {
    const { nodeId, process, results } = this.#options;
    await using stack = new AsyncDisposableStack();
    const owner = { nodeId, process };
    const place = { folder: this.#folder, limits: this.#limits, owner, results };
    const sandbox = stack.use(Sandbox.start(place));
    await abortable(sandbox.connected(), signal);
    stack.move();
    return sandbox;
  }

  #bounds({ memoryMib, cpu }: FunctionRecord, executor: SandboxExecutor): Bounds {
    return {
      memoryMib: memoryMib + kinds[executor].headroomMib,
      cpu,
      pids: this.#options.config["container.pids"],
    };
  }

  /** Leases code. An aborted start releases the lease. */
  async #leaseCode(
    fn: FunctionRecord,
    executor: SandboxExecutor,
    signal: AbortSignal,
  ): Promise<CodeLease> {
    const leasing = this.#code.lease(fn, executor);
    try {
      return await abortable(leasing, signal);
    } catch (error) {
      leasing.then((lease) => lease[Symbol.dispose](), () => {});
      throw error;
    }
  }

  #spec(
    fn: FunctionRecord,
    executor: SandboxExecutor,
    code: CodeLease,
    { process }: Sandbox,
  ): Omit<SandboxSpec, "env"> {
    const { folder, entry, exportName } = code;
    return {
      executor,
      name: fn.name,
      handler: fn.handler,
      folder,
      entry,
      exportName,
      stateful: fn.stateful === true,
      http: fn.http ?? "event",
      memoryMib: fn.memoryMib,
      concurrency: fn.maxConcurrency,
      network: fn.network,
      // If calls may overlap, or responses of other machines arrive, the socket has to be read all the time.
      pipe: process.callPipe !== undefined && fn.maxConcurrency === 1 && fn.network === "none",
      area: this.#options.area,
      node: this.#options.nodeId,
    };
  }

  #executor(fn: FunctionRecord): SandboxExecutor {
    const executor = findRuntime(this.#options.config, fn.runtime)?.executor;
    if (executor && isSandboxed(executor)) return executor;
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `The runtime ${fn.runtime} does not run in sandboxes`,
    );
  }
}
