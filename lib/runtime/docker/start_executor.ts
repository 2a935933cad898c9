/**
 * Start of an instance with an executor.
 *
 * @module
 */

import { randomId } from "../../base/ids.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { Runtime } from "../../model/runtimes.ts";
import { type ContainerExecutor, kinds } from "../kinds/kinds.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import { ExecutorEndpoint } from "../wire/endpoint.ts";
import { Container } from "./container/container.ts";
import { executorOptions, functionLabels } from "./container/options.ts";
import { engineStatus } from "./engine/engine.ts";
import { channelVariables, functionVariables } from "./executor_variables.ts";
import { executorCommand, executorMountPath } from "./executor_mounts.ts";
import { startAndConnect } from "./connect.ts";
import type { NamespaceLease } from "./pause/namespaces.ts";
import { ExecutorInstance } from "./instances.ts";
import { preserveLog } from "./container/preserved_log.ts";
import { containerName } from "./names.ts";
import { secretMount } from "./secret_mounts.ts";
import type { DockerContext } from "./context.ts";

/** Instance to start. */
export interface ExecutorStart {
  readonly fn: FunctionRecord;
  /** Runtime of the function, which has an executor in containers. */
  readonly runtime: Runtime & { readonly executor: ContainerExecutor };
  /** Folder of the host with the function's code; undefined if it has none. */
  readonly code: string | undefined;
}

/**
 * Starts an instance and waits for its executor's hello.
 *
 * @throws the signal's reason, `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` or `INSTANCE_START_FAILED`, after
 *   everything that was created is removed
 */
export async function startExecutor(
  context: DockerContext,
  start: ExecutorStart,
  signal: AbortSignal,
): Promise<ExecutorInstance> {
  const { fn } = start;
  if (fn.network === "bridge") {
    return await attempt(context, start, await context.network.ensure(), undefined, signal);
  }
  const lease = context.namespaces.lease(`${fn.name}@${fn.version}`);
  if (lease) {
    try {
      return await attempt(context, start, lease.network, lease, signal);
    } catch (error) {
      if (engineStatus(error) === undefined) throw error;
      // The pause container may have ended, so other instances must not use it either.
      lease.markBroken();
    }
  }
  return await attempt(context, start, "none", undefined, signal);
}

async function attempt(
  context: DockerContext,
  start: ExecutorStart,
  network: string,
  lease: NamespaceLease | undefined,
  signal: AbortSignal,
): Promise<ExecutorInstance> {
  const { fn, runtime } = start;
  const { executor } = runtime;
  const token = randomId();
  const { architecture } = await context.engine.facts();
  const container = new Container(context.engine, containerName(fn.name));
  await using stack = new AsyncDisposableStack();
  const secrets = await secretMount(context, fn, stack);
  const folder = stack.use(context.mounts.forExecutor(executor, architecture));
  const endpoint = stack.use(ExecutorEndpoint.open({
    path: folder.socket,
    token,
    results: context.results,
  }));
  context.known.set(container.name, container);
  stack.defer(() => {
    context.known.delete(container.name);
    if (!container.gone) lease?.markBroken();
    lease?.[Symbol.dispose]();
  });
  stack.use(container);
  await container.create(executorOptions(context.limits, {
    share: fn,
    labels: functionLabels(fn),
    image: runtime.image,
    command: executorCommand(executor, { variables: secrets?.variables }),
    env: { ...functionVariables(context, fn), ...channelVariables(token) },
    folders: {
      [executorMountPath]: folder.path,
      ...(start.code ? { "/app": start.code } : {}),
      ...secrets?.folders,
    },
    network,
  }));
  signal.throwIfAborted();
  const connection = await connect(context, fn, container, endpoint, signal);
  secrets?.mount.removeVariables();
  const signals = cancelsBySignal(runtime, fn);
  const parts = { container, connection, signals, output: context.output };
  const instance = new ExecutorInstance(fn, parts, stack.move());
  if (lease) instance.tier = "shared";
  return instance;
}

/** Waits for the hello, and preserves the log if none arrives. */
async function connect(
  { output }: DockerContext,
  { name, memoryMib }: FunctionRecord,
  container: Container,
  { connected }: ExecutorEndpoint,
  signal: AbortSignal,
): Promise<ExecutorConnection> {
  try {
    return await startAndConnect(container, memoryMib, connected, signal);
  } catch (error) {
    await preserveLog(container, name, output);
    throw error;
  }
}

/** Tells whether an executor runs one call at a time and, during a call, is cancelled only by a signal. */
export function cancelsBySignal(
  runtime: Pick<ExecutorStart["runtime"], "executor">,
  fn: Pick<FunctionRecord, "maxConcurrency">,
): boolean {
  return kinds[runtime.executor].cancelsBySignal === true && fn.maxConcurrency === 1;
}
