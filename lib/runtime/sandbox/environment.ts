/**
 * Functions in sandboxes: processes of this very program that have given up all permissions. Needs
 * no Docker and no image.
 *
 * @module
 */

import { abortable, AbortableTasks } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { isThisMachine } from "../../http/local_address.ts";
import { type Config, findRuntime } from "../../config/config.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { isSandboxed, kinds, type SandboxExecutor } from "../kinds/kinds.ts";
import type { OutputSink } from "../wire/call_output.ts";
import type { ResultRoom } from "../wire/result_room.ts";
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
import { Limits } from "./limits/limits.ts";
import {
  type CodeArchives,
  type CodeLease,
  type CodeReferences,
  PreparedCode,
} from "./prepared_code.ts";
import { type Program, SandboxRoom } from "./room.ts";
import { Sandbox } from "./sandbox.ts";
import { genericSandboxes, type SandboxSpec } from "./spec.ts";

/** Most functions whose code waits to be prepared ahead. */
const maxForeseen = 16;
/** Time that a function's code may take to load. */
const loadTimeoutMs = 30_000;

/** What the environment needs of its node. */
export interface SandboxOptions {
  /** The node's configuration. */
  readonly config: Pick<
    Config,
    "runtimes" | "container.pids" | "sandbox.launcher" | "sandbox.spares"
  >;
  /** Id of the node. */
  readonly nodeId: string;
  /** Area of the node, told to functions. */
  readonly area: string;
  /** Where the code is. */
  readonly code: CodeArchives;
  /** Which of it functions still have. */
  readonly references: CodeReferences;
  /** A private folder of the node. */
  readonly runDir: string;
  /** What sandboxes run: this program, by default. */
  readonly program?: Program;
  /** Keeps what functions write. */
  readonly output: OutputSink;
  /** What results may take. */
  readonly results: ResultRoom;
  /** Which addresses functions with a network may not reach: this machine's, by default. */
  readonly forbids?: (address: string) => boolean;
  /** False to bound memory without control groups; they are used where that is possible. */
  readonly controlGroups?: boolean;
}

/** Makes instances of functions as sandboxes. */
export class SandboxEnvironment implements ExecutionEnvironment {
  readonly #options: SandboxOptions;
  readonly #room: SandboxRoom;
  readonly #code: PreparedCode;
  /** Functions whose code is to be prepared. */
  readonly #foreseen = new Map<string, FunctionRecord>();
  #foreseeing: Promise<void> | undefined;
  readonly #limits: Limits;
  readonly #living = new Set<AsyncDisposable>();
  readonly #starts = new AbortableTasks();

  private constructor(options: SandboxOptions, room: SandboxRoom, limits: Limits) {
    this.#options = options;
    this.#room = room;
    this.#limits = limits;
    const { program, folder } = room;
    const { code, references } = options;
    this.#code = new PreparedCode({ folder, code, references, preparer: { program, limits } });
  }

  /**
   * Opens the environment.
   *
   * @param options the node's
   * @throws where its folder cannot be made
   */
  static async open(options: SandboxOptions): Promise<SandboxEnvironment> {
    endLeftovers(options.nodeId);
    const limits = await Limits.open(options.nodeId, options.controlGroups ?? true);
    const room = await SandboxRoom.open(
      options.runDir,
      options.config["sandbox.launcher"],
      options.program,
    );
    return new SandboxEnvironment(options, room, limits);
  }

  /** See {@link ExecutionEnvironment.generic}: one kind serves all functions. */
  generic(): GenericKind {
    return genericSandboxes(this.#options.config["sandbox.spares"]);
  }

  /** See {@link ExecutionEnvironment.startGeneric}. */
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
   * See {@link ExecutionEnvironment.follow}: code is prepared before it is asked for, one after the
   * other; what is too much of that waits for its first start.
   */
  follow(name: string, fn: FunctionRecord | undefined): void {
    if (fn) this.#foreseen.set(name, fn);
    else this.#foreseen.delete(name);
    if (this.#foreseen.size > maxForeseen) this.#foreseen.delete(name);
    this.#foreseeing ??= this.#foresee().finally(() => this.#foreseeing = undefined);
  }

  /** True if the kernel bounds memory, false if the node watches it. */
  get boundByKernel(): boolean {
    return this.#limits.byKernel;
  }

  /** See {@link ExecutionEnvironment.prepare}. */
  async prepare(fn: FunctionRecord): Promise<void> {
    using _code = await this.#code.lease(fn, this.#executor(fn));
  }

  /** See {@link ExecutionEnvironment.start}. */
  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await this.#starts.run(signal, (either) => this.#start(fn, either));
  }

  /** See {@link ExecutionEnvironment.architectures}: prepared code runs on any. */
  architectures(): Promise<string[]> {
    return Promise.resolve([]);
  }

  /** See {@link ExecutionEnvironment.sweep}. */
  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  /** See {@link ExecutionEnvironment.available}: it is part of the program. */
  available(): Promise<true> {
    return Promise.resolve(true);
  }

  /** Ends every sandbox and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#foreseen.clear();
    const closed = new ServerledgeError("SHUTTING_DOWN", "The node is shutting down");
    await Promise.allSettled([this.#starts.close(closed), this.#foreseeing]);
    await this.#code[Symbol.asyncDispose]();
    await Promise.all([...this.#living].map((one) => one[Symbol.asyncDispose]()));
    await this.#limits[Symbol.asyncDispose]();
    await this.#room[Symbol.asyncDispose]();
  }

  async #foresee(): Promise<void> {
    for (const [name, fn] of this.#foreseen) {
      this.#foreseen.delete(name);
      // What is wrong with it is told to whoever invokes it.
      await this.prepare(fn).catch(() => {});
    }
  }

  /** @param generic sandbox to specialize; omitted: a new one */
  async #start(fn: FunctionRecord, signal: AbortSignal, generic?: Sandbox): Promise<Instance> {
    await using cleanup = new AsyncDisposableStack();
    if (generic) cleanup.use(generic);
    const executor = this.#executor(fn);
    const code = cleanup.use(await this.#leaseCode(fn, executor, signal));
    const resources = new AsyncDisposableStack();
    this.#living.add(resources);
    cleanup.defer(() => void this.#living.delete(resources));
    cleanup.use(resources);
    const sandbox = resources.use(generic ?? await this.#startSandbox(signal));
    const { process, connection, confinement } = sandbox;
    confinement.bound(this.#bounds(fn, executor), {
      busy: () => connection.calls > 0,
      rest: () => connection.ring(),
    });
    confinement.wake();
    if (fn.network === "bridge") {
      const forbids = this.#options.forbids ?? isThisMachine;
      resources.use(new FetchBroker(connection, forbids));
    }
    await abortable(sandbox.load(this.#spec(fn, executor, code, sandbox), loadTimeoutMs), signal);
    return new SandboxInstance(fn, generic ? "generic" : "fresh", {
      process,
      connection,
      confinement,
      output: this.#options.output,
      cleanup: cleanup.move(),
    });
  }

  async #startSandbox(signal: AbortSignal): Promise<Sandbox> {
    const { nodeId, results } = this.#options;
    await using stack = new AsyncDisposableStack();
    const place = { room: this.#room, limits: this.#limits, nodeId, results };
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

  /** What is prepared for a start that was given up is not held by it. */
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
  ): SandboxSpec {
    const { folder, entry, exportName } = code;
    return {
      executor,
      name: fn.name,
      handler: fn.handler,
      folder,
      entry,
      exportName,
      env: fn.env,
      stateful: fn.stateful === true,
      http: fn.http ?? "event",
      memoryMib: fn.memoryMib,
      concurrency: fn.maxConcurrency,
      network: fn.network,
      // Where calls may overlap, or answers of other machines come, the socket has to be read all the time.
      pipe: process.callPipe !== undefined && fn.maxConcurrency === 1 && fn.network === "none",
      area: this.#options.area,
      node: this.#options.nodeId,
    };
  }

  #executor(fn: FunctionRecord): SandboxExecutor {
    const executor = findRuntime(this.#options.config, fn.runtime)?.executor;
    if (executor && isSandboxed(executor)) return executor;
    throw new ServerledgeError("RUNTIME_UNKNOWN", `The runtime ${fn.runtime} has no sandbox`);
  }
}
