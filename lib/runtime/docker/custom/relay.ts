/**
 * Connection to the server of a custom image. The image's container joins a network namespace, in which a
 * relay program connects the node's unix socket to the server (`../native/relay.c`).
 *
 * The socket belongs to one container while it exists, so a connection never reaches another container,
 * as it could at an IP address that the engine assigns again. A function without network needs no
 * interface, so it cannot reach this machine.
 *
 * @module
 */

import { closeQuietly } from "../../../base/close.ts";
import { Connection } from "../../../http/connection.ts";
import { NeverSent } from "../../../http/failures.ts";
import type { Container } from "../container/container.ts";
import { relayOptions } from "../container/options.ts";
import type { ExecutorMount, ExecutorMounts } from "../executor_mounts.ts";
import { startPauseContainer } from "../pause/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { OutboundNetwork } from "../outbound_network.ts";

/** Time limit for the server to accept a connection, ms. */
const connectTimeoutMs = 2_000;

/** Dependencies of relays. */
export interface RelayContext {
  /** The Docker engine. */
  readonly engine: Engine;
  /** Node that owns the containers. */
  readonly limits: { readonly nodeId: string };
  /** Containers of this process by name: sweeps exclude them, and the environment removes them at its end. */
  readonly known: Map<string, Container>;
  /** Network of functions with outbound access. */
  readonly network: OutboundNetwork;
  /** Creates the folders with the sockets between containers and the node. */
  readonly mounts: ExecutorMounts;
}

/** Running relay. Disposing it removes its container and folder. */
export class Relay implements AsyncDisposable {
  readonly #container: Container;
  readonly #folder: ExecutorMount;
  readonly #known: RelayContext["known"];

  private constructor(container: Container, folder: ExecutorMount, known: RelayContext["known"]) {
    this.#container = container;
    this.#folder = folder;
    this.#known = known;
  }

  /**
   * Starts a relay.
   *
   * @param outbound true for a namespace with outbound access
   * @throws `ENGINE_UNAVAILABLE` or `ENGINE_REFUSED`, after everything that was created is removed
   */
  static async start(context: RelayContext, outbound: boolean): Promise<Relay> {
    const { engine, mounts, known, limits, network: networks } = context;
    const network = outbound ? await networks.ensure() : "none";
    using stack = new DisposableStack();
    const folder = stack.use(mounts.forRelay((await engine.facts()).architecture));
    const options = relayOptions(limits.nodeId, folder.path, network);
    const container = await startPauseContainer(engine, known, "relay", options);
    stack.move();
    return new Relay(container, folder, known);
  }

  /** The engine's network mode for the container that joins the relay's namespace. */
  get network(): string {
    return `container:${this.#container.name}`;
  }

  /**
   * Connects to the server in the namespace.
   *
   * @throws {NeverSent} if the server accepts no connection within 2 s
   */
  async connect(signal: AbortSignal): Promise<Connection> {
    const conn = await connectTo(this.#folder.socket);
    const close = () => closeQuietly(conn);
    const timer = setTimeout(close, connectTimeoutMs);
    signal.addEventListener("abort", close);
    try {
      if (signal.aborted) close();
      // The relay sends one byte when it has reached the server.
      if (await conn.read(new Uint8Array(1)) === 1) return new Connection(conn);
    } catch (cause) {
      throw new NeverSent("The server did not accept the connection", { cause });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", close);
    }
    close();
    throw new NeverSent("The server does not accept connections");
  }

  /** Removes the relay's container and folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container[Symbol.asyncDispose]();
    this.#known.delete(this.#container.name);
    this.#folder[Symbol.dispose]();
  }
}

async function connectTo(path: string): Promise<Deno.UnixConn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (cause) {
    throw new NeverSent(`No connection to ${path}`, { cause });
  }
}
