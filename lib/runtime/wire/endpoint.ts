/**
 * Endpoint for the executor of one instance: a unix socket on which the node listens
 * until the executor has sent its hello with the instance's token. The hello is the readiness signal.
 *
 * @module
 */

import { BackOff } from "../../base/back_off.ts";
import { closeQuietly } from "../../base/close.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { ExecutorConnection } from "./channel.ts";
import { receive } from "./frames.ts";
import { FrameError, FrameReader, maxFrameBytes } from "./frames.ts";
import { readHello } from "./messages.ts";
import type { ResultMemory } from "./result_memory.ts";

/** Maximum number of open connections to one endpoint without a hello. */
const maxStrangers = 4;
/** Longest hello, bytes. */
const maxHelloBytes = 4096;
/** Time limit for the hello of a connection, ms. */
const helloTimeoutMs = 10_000;
/** First and longest wait after a failed accept, ms. */
const minRetryMs = 20;
const maxRetryMs = 1_000;
/** Longest path of a unix socket on Linux, with room for the final NUL (unix(7)). */
const maxSocketPath = 107;

const log = logger("runtime");

/** Properties of an endpoint. */
export interface EndpointOptions {
  /** Path of its socket. No file may exist there. */
  readonly path: string;
  /** Token of the executor's hello; unguessable, used once. */
  readonly token: string;
  /** Memory for results; without it, a result may have the size of a frame. */
  readonly results?: ResultMemory;
}

/** Endpoint for one executor. Disposing it closes its socket and the executor's connection. */
export class ExecutorEndpoint implements Disposable {
  readonly #path: string;
  readonly #token: string;
  readonly #results: ResultMemory | undefined;
  readonly #listener: Deno.UnixListener;
  readonly #strangers = new Set<Deno.Conn>();
  readonly #connected = Promise.withResolvers<ExecutorConnection>();
  #connection: ExecutorConnection | undefined;
  #listening = true;
  readonly #backOff = new BackOff(minRetryMs, maxRetryMs);
  #retry: number | undefined;

  private constructor(
    { path, token, results }: EndpointOptions,
    listener: Deno.UnixListener,
  ) {
    this.#path = path;
    this.#token = token;
    this.#results = results;
    this.#listener = listener;
    void this.#accept();
  }

  /**
   * Opens the socket. Every user that can enter its folder can connect, so a parent folder must be
   * private.
   *
   * @throws `CONFIG_INVALID` if the path is too long for a socket; `INSTANCE_START_FAILED` if the
   *   socket cannot be created
   */
  static open(options: EndpointOptions): ExecutorEndpoint {
    const { path } = options;
    checkSocketPath(path);
    try {
      const listener = Deno.listen({ transport: "unix", path });
      try {
        // Functions run as an unprivileged user.
        Deno.chmodSync(path, 0o666);
      } catch (error) {
        listener.close();
        throw error;
      }
      return new ExecutorEndpoint(options, listener);
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new ServerledgeError(
        "INSTANCE_START_FAILED",
        `Cannot listen at ${path} for a new instance: ${reason}`,
        { cause },
      );
    }
  }

  /** Resolves when the executor has sent its hello. Disposing the endpoint leaves it unresolved. */
  get connected(): Promise<ExecutorConnection> {
    return this.#connected.promise;
  }

  /** Closes the socket and every connection. */
  [Symbol.dispose](): void {
    this.#close();
    this.#connection?.[Symbol.dispose]();
  }

  /** Stops listening, and closes the connections without a hello. */
  #close(): void {
    if (!this.#listening) return;
    this.#listening = false;
    clearTimeout(this.#retry);
    this.#listener.close();
    try {
      Deno.removeSync(this.#path);
    } catch {
      // The folder was removed before.
    }
    for (const conn of this.#strangers) closeQuietly(conn);
  }

  async #accept(): Promise<void> {
    try {
      while (this.#listening) {
        const conn = await this.#listener.accept();
        this.#backOff.succeeded();
        if (this.#listening && this.#strangers.size < maxStrangers) void this.#greet(conn);
        else closeQuietly(conn);
      }
    } catch (error) {
      if (!this.#listening) return;
      // The process may have run out of descriptors: others are closed sooner or later.
      log.warn("Cannot accept a connection from an executor: {error}", { error: String(error) });
      this.#retry = setTimeout(() => void this.#accept(), this.#backOff.failed());
    }
  }

  async #greet(conn: Deno.Conn): Promise<void> {
    this.#strangers.add(conn);
    const timer = setTimeout(() => closeQuietly(conn), helloTimeoutMs);
    const reader = new FrameReader(maxHelloBytes);
    let known = false;
    try {
      known = await hello(conn, reader) === this.#token;
    } catch (error) {
      log.debug("A connection sent no valid hello: {error}", { error: String(error) });
    } finally {
      clearTimeout(timer);
      this.#strangers.delete(conn);
    }
    if (!known || !this.#listening) return closeQuietly(conn);
    this.#close();
    reader.maxBytes = maxFrameBytes;
    const connection = this.#connection = new ExecutorConnection(conn, this.#results);
    this.#connected.resolve(connection);
    await connection.run(reader);
  }
}

/**
 * Checks the length of a socket's path before anything is created there.
 *
 * @throws `CONFIG_INVALID` if the path is too long
 */
export function checkSocketPath(path: string): void {
  if (new TextEncoder().encode(path).length <= maxSocketPath) return;
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `The path ${path} is longer than ${maxSocketPath} bytes, the maximum for a socket: ` +
      "choose a shorter data.dir, or a shorter TMPDIR for sandboxes",
    { details: { path: "data.dir" } },
  );
}

async function hello(conn: Deno.Conn, reader: FrameReader): Promise<string> {
  for (;;) {
    if (!await receive(conn, reader)) throw new FrameError("closed without a hello");
    const text = reader.next();
    if (text !== undefined) return readHello(text);
  }
}
