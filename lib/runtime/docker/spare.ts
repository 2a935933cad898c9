/**
 * One spare: a container of a runtime that has no function yet. Its executor is ready, its code
 * folder empty, its limits are small, and its network namespace, without interfaces, is its own.
 *
 * @module
 */

import { join } from "node:path";
import { abortable, withTimeout } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { Runtime } from "../../model/runtimes.ts";
import type { GenericInstances } from "../kinds/kind.ts";
import { hasGenericInstances, kinds } from "../kinds/kinds.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import { ExecutorEndpoint } from "../wire/endpoint.ts";
import { CodeFolder } from "./code_folder.ts";
import { Container } from "./container/container.ts";
import { executorOptions, resourceLimits } from "./container/options.ts";
import { canBeSetLater, channelVariables, functionVariables } from "./executor_variables.ts";
import { executorCommand, guestMount } from "./guest.ts";
import { startAndGreet } from "./hello.ts";
import { ExecutorInstance } from "./instances.ts";
import { containerName, runtimeLabel } from "./names.ts";
import type { Site } from "./site.ts";
import { type ExecutorStart, hearsBySignal } from "./start_executor.ts";

const log = logger("runtime");

/** A runtime that has spares. */
export type SpareRuntime = ExecutorStart["runtime"];

/** Time in which a spare has to take its function on. */
const loadTimeoutMs = 10_000;

/**
 * True for a runtime that has spares: one of ours.
 *
 * @param runtime any
 */
export function hasSpares(runtime: Runtime): runtime is SpareRuntime {
  return runtime.spares > 0 && hasGenericInstances(runtime.executor);
}

/**
 * Memory that a spare is booked with, MiB.
 *
 * @param runtime the spare's
 */
export function spareMemory(runtime: SpareRuntime): number {
  return genericOf(runtime).memoryMib;
}

/**
 * True if a spare can become an instance of the function, and would be none the worse for it.
 *
 * @param runtime the function's
 * @param fn the function
 */
export function canBecome(
  runtime: SpareRuntime,
  fn: Pick<FunctionRecord, "network" | "memoryMib" | "env" | "handler">,
): boolean {
  const { memoryMib, maxMemoryMib, readAtStart, takes } = genericOf(runtime);
  return fn.network === "none" && fn.memoryMib >= memoryMib && fn.memoryMib <= maxMemoryMib &&
    canBeSetLater(fn, readAtStart) && takes?.(fn.handler) !== false;
}

/** A spare that is ready. Disposing it removes all that belongs to it. */
export class Spare implements AsyncDisposable {
  readonly #site: Site;
  readonly #runtime: SpareRuntime;
  readonly #container: Container;
  readonly #connection: ExecutorConnection;
  readonly #folder: CodeFolder;
  readonly #cleanup: AsyncDisposableStack;
  #disposed: Promise<void> | undefined;

  private constructor(
    site: Site,
    runtime: SpareRuntime,
    parts: { container: Container; connection: ExecutorConnection; folder: CodeFolder },
    cleanup: AsyncDisposableStack,
  ) {
    this.#site = site;
    this.#runtime = runtime;
    this.#container = parts.container;
    this.#connection = parts.connection;
    this.#folder = parts.folder;
    this.#cleanup = cleanup;
  }

  /**
   * Starts one.
   *
   * @param site where
   * @param runtime of what; its image is present
   * @param folders where its code folder will be
   * @param signal gives up
   * @throws the signal's reason, `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` or `INSTANCE_START_FAILED`; nothing is left
   */
  static async start(
    site: Site,
    runtime: SpareRuntime,
    folders: string,
    signal: AbortSignal,
  ): Promise<Spare> {
    const { memoryMib, options } = genericOf(runtime);
    const token = randomId();
    const { architecture } = await site.engine.facts();
    const container = new Container(site.engine, containerName(runtime.id));
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await CodeFolder.make(join(folders, container.name)));
    const guest = stack.use(site.guest.forExecutor(runtime.executor, architecture));
    const endpoint = stack.use(ExecutorEndpoint.open({
      path: guest.socket,
      token,
      maxResultBytes: site.maxResultBytes,
    }));
    site.known.set(container.name, container);
    stack.defer(() => void site.known.delete(container.name));
    stack.use(container);
    await container.create(executorOptions(site.limits, {
      share: { memoryMib, cpu: 0 },
      labels: { [runtimeLabel]: runtime.id },
      image: runtime.image,
      command: [...executorCommand(runtime.executor, options), "generic"],
      env: channelVariables(token),
      folders: { [guestMount]: guest.path, "/app": folder.path },
      network: "none",
    }));
    signal.throwIfAborted();
    const connection = await startAndGreet(container, memoryMib, endpoint.connected, signal);
    return new Spare(site, runtime, { container, connection, folder }, stack.move());
  }

  /** Resolves when it has ended by itself. */
  get ended(): Promise<unknown> {
    return Promise.race([this.#connection.closed, this.#container.exited()]);
  }

  /**
   * Makes an instance of a function of it: sets the limits, brings the code in, and then, when these
   * hold, tells the executor its function. It cannot be used again, whatever comes of it.
   *
   * @param fn a function that it {@link canBecome}
   * @param code the folder of the host with the function's code; undefined if it has none
   * @param signal gives up
   * @returns undefined if the code is not for linking
   * @throws the signal's reason, or why it failed; nothing is left then
   */
  async become(
    fn: FunctionRecord,
    code: Promise<string | undefined>,
    signal: AbortSignal,
  ): Promise<ExecutorInstance | undefined> {
    await using stack = new AsyncDisposableStack();
    stack.use(this);
    signal.throwIfAborted();
    // docker update --memory ... --memory-swap ... --cpu-period ... --cpu-quota ...
    const limited = this.#container.update(resourceLimits(fn));
    stack.defer(() => limited.catch(() => {}));
    const filled = code.then((folder) => folder === undefined || this.#folder.fill(folder));
    const [complete] = await abortable(Promise.all([filled, limited]), signal);
    if (!complete) return undefined;
    await abortable(this.#load(fn), signal);
    log.debug("{name} runs in {container}", { name: fn.name, container: this.#container.name });
    stack.move();
    const instance = new ExecutorInstance(fn, {
      container: this.#container,
      connection: this.#connection,
      signals: hearsBySignal(this.#runtime, fn),
      output: this.#site.output,
    }, this.#cleanup);
    instance.tier = "generic";
    return instance;
  }

  /** Removes it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#cleanup.disposeAsync();
    return this.#disposed;
  }

  async #load(fn: FunctionRecord): Promise<void> {
    const loaded = this.#connection.load({ env: functionVariables(this.#site, fn) });
    const reply = await withTimeout(loaded, loadTimeoutMs, () => {
      throw refused("it did not answer in time");
    });
    if (!reply.ok) throw refused(reply.failure.message);
  }
}

/** Present wherever there is such a runtime: see {@link hasSpares}. */
function genericOf({ executor }: SpareRuntime): GenericInstances {
  return kinds[executor].generic!;
}

function refused(reason: string): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `A pre-started container did not take its function on: ${reason}`,
  );
}
