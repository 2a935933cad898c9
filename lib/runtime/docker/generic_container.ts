/**
 * Generic container: its executor is ready, its code folder is empty, its limits are small, and its
 * network namespace has no interfaces and is not shared.
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
import type { GenericKind } from "../environment.ts";
import type { GenericInstances } from "../kinds/kind.ts";
import { hasGenericInstances, kinds } from "../kinds/kinds.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import { ExecutorEndpoint } from "../wire/endpoint.ts";
import { CodeFolder } from "./code_folder.ts";
import { Container } from "./container/container.ts";
import { executorOptions, resourceLimits } from "./container/options.ts";
import { canBeSetLater, channelVariables, functionVariables } from "./executor_variables.ts";
import { executorCommand, executorMountPath } from "./executor_mounts.ts";
import { startAndConnect } from "./connect.ts";
import { ExecutorInstance } from "./instances.ts";
import { containerName, runtimeLabel } from "./names.ts";
import type { DockerContext } from "./context.ts";
import { cancelsBySignal, type ExecutorStart } from "./start_executor.ts";

const log = logger("runtime");

/** Runtime with generic instances. */
export type GenericRuntime = ExecutorStart["runtime"];

/** Time limit for specialization, ms. */
const loadTimeoutMs = 10_000;

/** Tells whether a runtime is configured to have generic instances. */
export function isGenericRuntime(runtime: Runtime): runtime is GenericRuntime {
  return runtime.generic > 0 && hasGenericInstances(runtime.executor);
}

/** Returns the kind of a runtime's generic instances. */
export function genericKindOf(runtime: GenericRuntime): GenericKind {
  const { memoryMib } = genericInstancesOf(runtime);
  return { place: "container", id: runtime.id, memoryMib, count: runtime.generic };
}

function genericInstancesOf({ executor }: GenericRuntime): GenericInstances {
  return kinds[executor].generic!;
}

/** Tells whether a generic container can be specialized for a function without a disadvantage. */
export function canSpecialize(
  runtime: GenericRuntime,
  fn: Pick<FunctionRecord, "network" | "memoryMib" | "env" | "handler" | "secrets">,
): boolean {
  const { memoryMib, maxMemoryMib, readAtStart, takes } = genericInstancesOf(runtime);
  return fn.network === "none" && fn.memoryMib >= memoryMib && fn.memoryMib <= maxMemoryMib &&
    canBeSetLater(fn, readAtStart) && takes?.(fn.handler) !== false;
}

/** Generic container that is ready. Disposing it removes the container, its folders and its socket. */
export class GenericContainer implements AsyncDisposable {
  readonly #context: DockerContext;
  readonly #runtime: GenericRuntime;
  readonly #container: Container;
  readonly #connection: ExecutorConnection;
  readonly #folder: CodeFolder;
  readonly #cleanup: AsyncDisposableStack;
  #disposed: Promise<void> | undefined;

  private constructor(
    context: DockerContext,
    runtime: GenericRuntime,
    parts: { container: Container; connection: ExecutorConnection; folder: CodeFolder },
    cleanup: AsyncDisposableStack,
  ) {
    this.#context = context;
    this.#runtime = runtime;
    this.#container = parts.container;
    this.#connection = parts.connection;
    this.#folder = parts.folder;
    this.#cleanup = cleanup;
  }

  /**
   * Starts a generic container.
   *
   * @param runtime runtime whose image is present
   * @param folders folder for its code folder
   * @throws the signal's reason, `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` or `INSTANCE_START_FAILED`, after
   *   everything that was created is removed
   */
  static async start(
    context: DockerContext,
    runtime: GenericRuntime,
    folders: string,
    signal: AbortSignal,
  ): Promise<GenericContainer> {
    const { memoryMib, options } = genericInstancesOf(runtime);
    const token = randomId();
    const { architecture } = await context.engine.facts();
    const container = new Container(context.engine, containerName(runtime.id));
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await CodeFolder.make(join(folders, container.name)));
    const mount = stack.use(context.mounts.forExecutor(runtime.executor, architecture));
    const endpoint = stack.use(ExecutorEndpoint.open({
      path: mount.socket,
      token,
      results: context.results,
    }));
    context.known.set(container.name, container);
    stack.defer(() => void context.known.delete(container.name));
    stack.use(container);
    await container.create(executorOptions(context.limits, {
      share: { memoryMib, cpu: 0 },
      labels: { [runtimeLabel]: runtime.id },
      image: runtime.image,
      command: [...executorCommand(runtime.executor, { options }), "generic"],
      env: channelVariables(token),
      folders: { [executorMountPath]: mount.path, "/app": folder.path },
      network: "none",
    }));
    signal.throwIfAborted();
    const connection = await startAndConnect(container, memoryMib, endpoint.connected, signal);
    return new GenericContainer(context, runtime, { container, connection, folder }, stack.move());
  }

  /** Resolves when the container has ended or its executor's connection is closed. */
  get ended(): Promise<unknown> {
    return Promise.race([this.#connection.closed, this.#container.exited()]);
  }

  /**
   * Turns the container into an instance of a function: sets its limits, links the code, and then loads
   * the function into the executor. Called at most once.
   *
   * @param fn function for which {@link canSpecialize} is true
   * @param code folder of the host with the function's code; undefined if it has none
   * @returns undefined if the code has too many files to link
   * @throws the signal's reason, or the reason of the failure, after the container is removed
   */
  async specialize(
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
    log.debug("{name} runs in the generic container {container}", {
      name: fn.name,
      container: this.#container.name,
    });
    stack.move();
    const instance = new ExecutorInstance(fn, {
      container: this.#container,
      connection: this.#connection,
      signals: cancelsBySignal(this.#runtime, fn),
      output: this.#context.output,
    }, this.#cleanup);
    instance.tier = "generic";
    return instance;
  }

  /** Removes the container, its folders and its socket. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#cleanup.disposeAsync();
    return this.#disposed;
  }

  async #load(fn: FunctionRecord): Promise<void> {
    const secrets = await this.#context.secrets.source.forInstance(fn);
    const env = { ...functionVariables(this.#context, fn), ...secrets?.variables };
    const loaded = this.#connection.load({ env });
    const reply = await withTimeout(loaded, loadTimeoutMs, () => {
      throw refused(`no reply within ${loadTimeoutMs / 1000} s`);
    });
    if (!reply.ok) throw refused(reply.failure.message);
  }
}

function refused(reason: string): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `The generic container cannot load the function: ${reason}`,
  );
}
