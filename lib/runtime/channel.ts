/**
 * The executor channel: one unix socket on which the node listens, and to which the executor of
 * every instance of our runtimes connects. Its hello with the instance's token is the readiness
 * signal; after that, calls and replies are pipelined on the connection.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { toJson } from "../model/json.ts";
import type { Call, Reply, StreamedAnswer } from "./environment.ts";
import { FrameWriter } from "./frame_writer.ts";
import { FrameError, FrameReader } from "./frames.ts";
import { type Part, partPrefix, readHello, readPart, readReply } from "./messages.ts";
import { StreamedBody } from "./streamed_body.ts";

/** Connections that may be open without having said hello. */
const maxStrangers = 256;
/** Time in which a connection has to say hello. */
const helloTimeoutMs = 10_000;
/** Longest path of a unix socket on Linux, with room for the final NUL (unix(7)). */
const maxSocketPath = 107;

/** Id of the message by which an executor learns its function; calls have others. */
const loadId = "load";

/** How a frame begins by which an executor asks something of the node. */
const askPrefix = '{"ask":';
/** Most replies to no call before a connection is closed. */
const maxStrays = 16;

const log = logger("runtime");

/** A call under way. */
interface Pending {
  readonly id: string;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: ServerledgeError) => void;
  readonly onStream: ((answer: StreamedAnswer) => void) | undefined;
  /** The body of its answer, once that is streamed. */
  body?: StreamedBody;
}

/** The connection to the executor of one instance. */
export class ExecutorConnection implements Disposable {
  readonly #conn: Deno.Conn;
  /** Oldest first. They are few, and a map would cost more: see bag.ts. */
  readonly #pending: Pending[] = [];
  readonly #closed = Promise.withResolvers<void>();
  readonly #writer: FrameWriter;
  #open = true;
  #strays = 0;
  #isBroken = false;
  /** Takes what the executor asks of the node, in its own words; undefined: it may ask nothing. */
  onAsk: ((ask: unknown) => void) | undefined;
  /** Tells what became of the other side, for the calls that are lost with the connection. */
  explainLoss: () => Promise<ServerledgeError> = () => Promise.resolve(connectionLost());

  /**
   * A connection that nobody reads yet.
   *
   * @param conn the stream to the executor
   */
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#writer = new FrameWriter(conn, () => this[Symbol.dispose]());
  }

  /** Resolves when the connection is closed, by either side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** True if it was closed because the executor broke the protocol. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** How many calls have no reply yet. */
  get calls(): number {
    return this.#pending.length;
  }

  /**
   * Sends a call.
   *
   * @param call its id must not be under way on this connection
   * @returns what the function ended with
   * @throws `PAYLOAD_TOO_LARGE` or `UNPROCESSABLE` and nothing is sent; `FUNCTION_CRASHED` if the
   *   connection closes before the reply
   */
  invoke(call: Call): Promise<Reply> {
    return this.#ask(call.id, {
      id: call.id,
      params: call.params,
      timeoutMs: call.timeoutMs,
      output: call.returnOutput,
      stream: call.onStream && true,
    }, call.onStream);
  }

  /**
   * Tells an executor that was started for no function which one it is to run. Once, before its
   * first call.
   *
   * @param what what the executor needs to know of the function
   * @returns a reply as of a call: the function is ready, or cannot be loaded
   * @throws as {@link ExecutorConnection.invoke}
   */
  load(what: object): Promise<Reply> {
    return this.#ask(loadId, { id: loadId, load: what });
  }

  /**
   * Asks the executor to stop a call.
   *
   * @param id the call's
   * @returns false if no such call is under way
   */
  cancel(id: string): boolean {
    if (!this.#pending.some((pending) => pending.id === id)) return false;
    this.#writer.add(JSON.stringify({ cancel: id }));
    return true;
  }

  /**
   * Sends something that is no call.
   *
   * @param message what the executor understands
   * @throws `PAYLOAD_TOO_LARGE` and nothing is sent
   */
  tell(message: object): void {
    if (this.#open) this.#writer.add(JSON.stringify(message));
  }

  /**
   * Reads until the connection closes; never rejects.
   *
   * @param reader what has arrived so far, behind the hello
   */
  async run(reader: FrameReader): Promise<void> {
    try {
      do {
        for (let text = reader.next(); text !== undefined; text = reader.next()) {
          this.#receive(text);
        }
      } while (await receive(this.#conn, reader));
    } catch (error) {
      this.#isBroken = error instanceof FrameError;
      if (this.#open) log.warn("Executor connection closed: {error}", { error: String(error) });
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Closes the connection; calls under way fail. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#writer.close();
    close(this.#conn);
    const lost = this.#pending.splice(0);
    if (lost.length > 0) void this.#rejectAll(lost);
    this.#closed.resolve();
  }

  #ask(id: string, message: object, onStream?: Pending["onStream"]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return void this.explainLoss().then(reject, reject);
      this.#writer.add(toJson(message));
      this.#pending.push({ id, resolve, reject, onStream });
    });
  }

  async #rejectAll(lost: Pending[]): Promise<void> {
    const reason = await this.explainLoss().catch(connectionLost);
    for (const { reject } of lost) reject(reason);
  }

  #receive(text: string): void {
    if (this.onAsk && text.startsWith(askPrefix)) {
      return this.onAsk((JSON.parse(text) as { ask: unknown }).ask);
    }
    if (text.startsWith(partPrefix)) return this.#receivePart(readPart(text));
    const { id, reply } = readReply(text);
    const at = this.#pending.findIndex((pending) => pending.id === id);
    if (at < 0) {
      // A call is pending until its reply, so this one answers nothing.
      if (++this.#strays > maxStrays) throw new FrameError("too many replies to no call");
      return;
    }
    const { resolve } = this.#pending[at]!;
    this.#pending.splice(at, 1);
    resolve(reply);
  }

  #receivePart(part: Part): void {
    const { id } = part;
    const pending = this.#pending.find((pending) => pending.id === id);
    if ("data" in part) {
      if (!pending?.body) throw new FrameError("a part belongs to no answer");
      pending.body.push(part.data);
      return;
    }
    if (!pending?.onStream || pending.body) throw new FrameError("an answer is streamed unasked");
    pending.body = new StreamedBody((cost) => this.tell({ taken: id, cost }));
    pending.onStream({ ...part.head, body: pending.body });
  }
}

/** An executor that is expected to connect. */
export interface ExpectedExecutor extends Disposable {
  /** Resolves when it has said hello. Disposing the expectation leaves it unresolved. */
  readonly connected: Promise<ExecutorConnection>;
}

/** Listens for executors and tells them apart by their tokens. */
export class ExecutorChannel implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #expected = new Map<string, (connection: ExecutorConnection) => void>();
  readonly #strangers = new Set<Deno.Conn>();
  readonly #connections = new Set<ExecutorConnection>();
  readonly #accepting: Promise<void>;

  private constructor(listener: Deno.UnixListener) {
    this.#listener = listener;
    this.#accepting = this.#accept();
  }

  /**
   * Opens the socket. Whoever can reach its folder may connect, so the folder above must be private.
   *
   * @param path where; a socket that a crashed predecessor left there is replaced
   * @throws `INVALID_REQUEST` where the path is too long for a socket
   */
  static async open(path: string): Promise<ExecutorChannel> {
    if (new TextEncoder().encode(path).length > maxSocketPath) {
      throw new ServerledgeError(
        "INVALID_REQUEST",
        `The path ${path} is longer than the ${maxSocketPath} bytes that a socket may have: choose a shorter data.dir`,
        { details: { path: "data.dir" } },
      );
    }
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    const listener = Deno.listen({ transport: "unix", path });
    try {
      // Functions run as an unprivileged user.
      await Deno.chmod(path, 0o666);
    } catch (error) {
      listener.close();
      throw error;
    }
    return new ExecutorChannel(listener);
  }

  /**
   * Expects an executor.
   *
   * @param token what it will say; unguessable, used once
   */
  expect(token: string): ExpectedExecutor {
    const { promise, resolve } = Promise.withResolvers<ExecutorConnection>();
    this.#expected.set(token, resolve);
    return {
      connected: promise,
      [Symbol.dispose]: () => void this.#expected.delete(token),
    };
  }

  /** Closes the socket and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#strangers) close(conn);
    for (const connection of this.#connections) connection[Symbol.dispose]();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        if (this.#strangers.size < maxStrangers) void this.#greet(conn);
        else close(conn);
      }
    } catch (error) {
      log.error("The executor channel no longer accepts connections: {error}", {
        error: String(error),
      });
    }
  }

  async #greet(conn: Deno.Conn): Promise<void> {
    this.#strangers.add(conn);
    const timer = setTimeout(() => close(conn), helloTimeoutMs);
    const reader = new FrameReader();
    let welcome: ((connection: ExecutorConnection) => void) | undefined;
    try {
      const token = await hello(conn, reader);
      welcome = this.#expected.get(token);
      this.#expected.delete(token);
    } catch (error) {
      log.debug("A connection did not say hello: {error}", { error: String(error) });
    } finally {
      clearTimeout(timer);
      this.#strangers.delete(conn);
    }
    if (!welcome) return close(conn);
    const connection = new ExecutorConnection(conn);
    this.#connections.add(connection);
    welcome(connection);
    await connection.run(reader);
    this.#connections.delete(connection);
  }
}

async function hello(conn: Deno.Conn, reader: FrameReader): Promise<string> {
  for (;;) {
    if (!await receive(conn, reader)) throw new FrameError("closed without a hello");
    const text = reader.next();
    if (text !== undefined) return readHello(text);
  }
}

/** @returns false at the end of the stream */
async function receive(conn: Deno.Conn, reader: FrameReader): Promise<boolean> {
  const count = await conn.read(reader.space());
  if (count === null) return false;
  reader.received(count);
  return true;
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It was closed already.
  }
}

function connectionLost(): ServerledgeError {
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    "The function's process ended before it answered",
  );
}
