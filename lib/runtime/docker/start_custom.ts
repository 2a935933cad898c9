/**
 * The start of an instance of a custom image.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import type { ContainerInspectInfo } from "dockerode";
import { ServerledgeError } from "../../base/errors.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { Container } from "./container.ts";
import { customOptions, customPort } from "./container_options.ts";
import { awaitServer, type CustomAddress } from "./custom.ts";
import { endedEarly } from "./early_end.ts";
import { engineStatus } from "./engine.ts";
import { CustomInstance } from "./instances.ts";
import { containerName } from "./names.ts";
import type { Site } from "./site.ts";

/** What is started. */
export interface CustomStart {
  /** The function. */
  readonly fn: FunctionRecord;
  /** Its image. */
  readonly image: string;
  /** TAR archive for `/app`; undefined if it has none. */
  readonly code: Uint8Array | undefined;
}

/**
 * Starts an instance and waits until its server accepts connections.
 *
 * @param site where
 * @param start what
 * @param signal gives up
 * @throws the signal's reason, `ENGINE_UNAVAILABLE` or `INSTANCE_START_FAILED`; nothing is left
 */
export async function startCustom(
  site: Site,
  start: CustomStart,
  signal: AbortSignal,
): Promise<CustomInstance> {
  const { fn, code } = start;
  const published = fn.Network === "bridge";
  const network = await site.networks.ensure(published ? "outbound" : "isolated");
  const container = new Container(site.engine, containerName(fn.Name));
  await using stack = new AsyncDisposableStack();
  site.known.set(container.name, container);
  stack.defer(() => void site.known.delete(container.name));
  stack.use(container);
  await container.create(customOptions(fn, start.image, site.limits, network, published));
  signal.throwIfAborted();
  if (code) await copyCode(container, code);
  signal.throwIfAborted();
  await container.start();
  const address = findAddress(await container.inspect(), network, published);
  await ready(container, fn, address, signal);
  return new CustomInstance(fn, container, address, stack.move());
}

async function copyCode(container: Container, code: Uint8Array): Promise<void> {
  try {
    await container.copy(code, "/app");
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    // The image has no such folder.
    const { packTar } = await import("modern-tar");
    const folder = { name: "app/", size: 0, mode: 0o755, type: "directory" as const };
    await container.copy(await packTar([{ header: folder }]), "/");
    await container.copy(code, "/app");
  }
}

async function ready(
  container: Container,
  fn: FunctionRecord,
  address: CustomAddress,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  let waiting = true;
  void container.exited().then(async (exit) => {
    if (waiting) {
      over.abort(
        await endedEarly(container, fn.MemoryMB, exit, `before it served port ${customPort}`),
      );
    }
  });
  try {
    await awaitServer(address, AbortSignal.any([signal, over.signal]));
  } finally {
    waiting = false;
  }
}

function findAddress(
  info: ContainerInspectInfo,
  network: string,
  published: boolean,
): CustomAddress {
  const { Ports, Networks } = info.NetworkSettings;
  const port = Number(Ports[`${customPort}/tcp`]?.[0]?.HostPort);
  const ip = Networks[network]?.IPAddress;
  if (published && port > 0) return { host: "127.0.0.1", port, published };
  if (!published && ip) return { host: ip, port: customPort, published };
  throw new ServerledgeError(
    "INSTANCE_START_FAILED",
    "The container of the custom image has no address: it may have ended at once, see its log",
  );
}
