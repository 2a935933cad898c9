/**
 * Start of an instance of a custom image.
 *
 * @module
 */

import { eitherSignal } from "../../../base/async.ts";
import { ServerledgeError } from "../../../base/errors.ts";
import type { FunctionRecord } from "../../../model/function.ts";
import { Container } from "../container/container.ts";
import { customOptions, customPort } from "../container/options.ts";
import { awaitServer } from "./instance.ts";
import { endedEarly, startLogLines } from "../container/early_end.ts";
import { engineStatus } from "../engine/engine.ts";
import { CustomInstance } from "../instances.ts";
import { preserveLog } from "../container/preserved_log.ts";
import { containerName } from "../names.ts";
import { secretMount } from "../secret_mounts.ts";
import { Relay } from "./relay.ts";
import type { DockerContext } from "../context.ts";

/** Instance to start. */
export interface CustomStart {
  readonly fn: FunctionRecord;
  readonly image: string;
  /** TAR archive for `/app`, or a folder if the root is read-only; undefined if there is no code. */
  readonly code: Uint8Array | string | undefined;
}

/**
 * Starts an instance and waits until its server accepts connections.
 *
 * @throws the signal's reason, `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` or `INSTANCE_START_FAILED`, after
 *   everything that was created is removed
 */
export async function startCustom(
  context: DockerContext,
  start: CustomStart,
  signal: AbortSignal,
): Promise<CustomInstance> {
  const outbound = start.fn.network === "bridge";
  const ready = context.relays.take(outbound);
  if (ready) {
    try {
      return await attempt(context, start, ready, signal);
    } catch (error) {
      if (engineStatus(error) === undefined) throw error;
      // The relay may have ended in the meantime.
    }
  }
  signal.throwIfAborted();
  return await attempt(context, start, await Relay.start(context, outbound), signal);
}

/** Starts an instance at a relay. The relay is removed with the instance, or if the start fails. */
async function attempt(
  context: DockerContext,
  { fn, image, code }: CustomStart,
  relay: Relay,
  signal: AbortSignal,
): Promise<CustomInstance> {
  await using stack = new AsyncDisposableStack();
  stack.use(relay);
  const secrets = await secretMount(context, fn, stack);
  const container = new Container(context.engine, containerName(fn.name));
  context.known.set(container.name, container);
  stack.defer(() => void context.known.delete(container.name));
  stack.use(container);
  signal.throwIfAborted();
  const folders = {
    ...(typeof code === "string" ? { "/app": code } : {}),
    ...secrets?.folders,
  };
  await container.create(customOptions(fn, image, context.limits, relay.network, folders));
  signal.throwIfAborted();
  if (code instanceof Uint8Array) await copyCode(container, code);
  signal.throwIfAborted();
  await container.start();
  const full = new AbortController();
  let end = (reason: ServerledgeError) => full.abort(startFailure(reason));
  const watch = context.disk.watch({
    name: container.name,
    size: () => container.writtenBytes(),
    end: (reason) => end(reason),
  });
  stack.use(watch);
  try {
    using either = eitherSignal(signal, full.signal);
    await ready(container, fn, relay, either.signal);
  } catch (error) {
    await preserveLog(container, fn.name, context.output);
    // An aborted start fails with the signal's reason.
    throw signal.aborted ? error : await withWords(error, container);
  }
  const instance = new CustomInstance(
    fn,
    { container, relay, results: context.results, output: context.output },
    stack.move(),
  );
  end = (reason) => instance.end(reason);
  return instance;
}

/** Adds the output of the image to an error of a start without details. */
async function withWords(error: unknown, container: Container): Promise<unknown> {
  if (!(error instanceof ServerledgeError) || error.details) return error;
  const output = await container.logs(startLogLines).catch(() => "");
  return new ServerledgeError(error.code, error.message, { cause: error, details: { output } });
}

function startFailure({ message }: ServerledgeError): ServerledgeError {
  return new ServerledgeError("INSTANCE_START_FAILED", message);
}

async function copyCode(container: Container, code: Uint8Array): Promise<void> {
  try {
    await container.copy(code, "/app");
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    // The image has no folder /app.
    const { packTar } = await import("modern-tar");
    const folder = { name: "app/", size: 0, mode: 0o755, type: "directory" as const };
    await container.copy(await packTar([{ header: folder }]), "/");
    await container.copy(code, "/app");
  }
}

async function ready(
  container: Container,
  fn: FunctionRecord,
  relay: Relay,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  let waiting = true;
  void container.exited().then(async (exit) => {
    if (waiting) {
      over.abort(
        await endedEarly(container, fn.memoryMib, exit, `before it served port ${customPort}`),
      );
    }
  });
  try {
    using either = eitherSignal(signal, over.signal);
    await awaitServer(relay, either.signal);
  } finally {
    waiting = false;
  }
}
