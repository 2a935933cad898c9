/**
 * The start of an instance of one of our runtimes.
 *
 * @module
 */

import { abortable } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { ContainerExecutor, Runtime } from "../../model/runtimes.ts";
import type { ExecutorConnection } from "../channel.ts";
import { Container } from "./container.ts";
import { executorOptions } from "./container_options.ts";
import { endedEarly } from "./early_end.ts";
import { engineStatus } from "./engine.ts";
import { executorCommands, guestMount, socketName } from "./guest.ts";
import type { NamespaceLease } from "./holders.ts";
import { ExecutorInstance } from "./instances.ts";
import { containerName } from "./names.ts";
import type { Site } from "./site.ts";

/** Time in which an executor has to say hello; slow boards under load need seconds. */
const helloTimeoutMs = 30_000;

/** What an executor did not get to that ended early, and what to look at. */
const tooEarly = "before it was ready; is MemoryMB enough, and the runtime's image right?";

/** What is started. */
export interface ExecutorStart {
  /** The function. */
  readonly fn: FunctionRecord;
  /** Its runtime, one of ours. */
  readonly runtime: Runtime & { readonly executor: ContainerExecutor };
  /** Folder of the host with its code; undefined if it has none. */
  readonly code: string | undefined;
}

/**
 * Starts an instance and waits for its executor's hello.
 *
 * @param site where
 * @param start what
 * @param signal gives up
 * @throws the signal's reason, `ENGINE_UNAVAILABLE` or `INSTANCE_START_FAILED`; nothing is left
 */
export async function startExecutor(
  site: Site,
  start: ExecutorStart,
  signal: AbortSignal,
): Promise<ExecutorInstance> {
  const { fn } = start;
  if (fn.Network === "bridge") {
    return await attempt(site, start, await site.networks.ensure("outbound"), undefined, signal);
  }
  const lease = site.holders.lease(`${fn.Name}@${fn.Version}`);
  if (lease) {
    try {
      return await attempt(site, start, lease.network, lease, signal);
    } catch (error) {
      if (engineStatus(error) === undefined) throw error;
      // Perhaps the holder died: the others have to do without it too.
      lease.markBroken();
    }
  }
  return await attempt(site, start, "none", undefined, signal);
}

async function attempt(
  site: Site,
  start: ExecutorStart,
  network: string,
  lease: NamespaceLease | undefined,
  signal: AbortSignal,
): Promise<ExecutorInstance> {
  const { fn, runtime } = start;
  const token = randomId();
  const container = new Container(site.engine, containerName(fn.Name));
  await using stack = new AsyncDisposableStack();
  site.known.set(container.name, container);
  stack.defer(() => {
    site.known.delete(container.name);
    if (!container.gone) lease?.markBroken();
    lease?.[Symbol.dispose]();
  });
  stack.use(container);
  await container.create(executorOptions(fn, site.limits, {
    image: runtime.image,
    command: executorCommands[runtime.executor],
    env: environment(site, fn, token),
    folders: { [guestMount]: site.guest, ...(start.code ? { "/app": start.code } : {}) },
    network,
  }));
  signal.throwIfAborted();
  const expected = stack.use(site.channel.expect(token));
  const connection = stack.use(await hello(container, fn, expected.connected, signal));
  const signals = runtime.executor === "python" && fn.MaxConcurrency === 1;
  const instance = new ExecutorInstance(fn, container, connection, signals, stack.move());
  if (lease) instance.tier = "shared";
  return instance;
}

/** Starts the container; its executor may be ready before the engine says that it runs. */
async function hello(
  container: Container,
  fn: FunctionRecord,
  connected: Promise<ExecutorConnection>,
  signal: AbortSignal,
): Promise<ExecutorConnection> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooLate()), helloTimeoutMs);
  let waiting = true;
  container.start().then(() => container.exited()).then(async (exit) => {
    if (waiting) reject(await endedEarly(container, fn, exit, tooEarly));
  }, reject);
  try {
    return await abortable(Promise.race([connected, failed]), signal);
  } finally {
    waiting = false;
    clearTimeout(timer);
  }
}

function tooLate(): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `The executor was not ready within ${helloTimeoutMs / 1000} s: the machine may be overloaded`,
  );
}

function environment(site: Site, fn: FunctionRecord, token: string): Record<string, string> {
  return {
    HOME: "/tmp",
    ...fn.Env,
    SERVERLEDGE_FUNCTION: fn.Name,
    SERVERLEDGE_HANDLER: fn.Handler,
    SERVERLEDGE_CONCURRENCY: String(fn.MaxConcurrency),
    SERVERLEDGE_MEMORY_MIB: String(fn.MemoryMB),
    SERVERLEDGE_AREA: site.area,
    SERVERLEDGE_NODE: site.limits.nodeId,
    SERVERLEDGE_SOCKET: `${guestMount}/${socketName}`,
    SERVERLEDGE_TOKEN: token,
  };
}
