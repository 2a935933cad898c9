/**
 * Running instances: a container and the connection to its executor or server.
 *
 * @module
 */

import { pause, withTimeout } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { ConnectionBroken, NeverSent } from "../../http/failures.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { ColdTier } from "../../model/start_tier.ts";
import type { OutputSink, WrittenLine } from "../wire/call_output.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import type { Call, Instance, Reply, Termination } from "../environment.ts";
import type { Container } from "./container/container.ts";
import { callCustom, type CustomServer } from "./custom/instance.ts";
import { crash } from "./container/exit.ts";
import { preserveLog } from "./container/preserved_log.ts";

/** Time limit for observing the end of a container whose connection is closed, ms. */
const exitTimeoutMs = 2_000;
/** Time limit for a container with calls in flight to end before it is removed, ms. */
const endMs = 300;
/**
 * Maximum number of reads of a log until two return the same, and the pause between them. The engine may
 * log lines after the image's reply has arrived, and those of stdout after those of stderr.
 */
const maxLooks = 4;
const lookAgainMs = 25;
/** Number of log lines in the error of a crash. */
const crashLogLines = 20;

/** Parts of every instance in a container. */
interface ContainerParts {
  readonly container: Container;
  /** Receives the output of its function. */
  readonly output: OutputSink;
}

/** Parts of an instance with an executor. */
interface ExecutorParts extends ContainerParts {
  readonly connection: ExecutorConnection;
  /**
   * True if its executor runs one call at a time and, during a call, receives cancellations only by a
   * signal. Its container's log then contains only output that the executor had not sent at its end.
   */
  readonly signals: boolean;
}

/** Call of a custom image. */
interface CustomCall {
  /** Closes its connection. */
  readonly abort: AbortController;
  /** When the call began, ms since the Unix epoch. */
  readonly since: number;
}

/** Parts of an instance of a custom image. */
interface CustomParts extends ContainerParts, CustomServer {}

/** Common part of all instances in containers. */
abstract class ContainerInstance implements Instance {
  /** The container's name. */
  readonly id: string;
  /** Way in which the instance was started; changed by whatever shortened the start. */
  tier: ColdTier = "full";
  /** Resolves when the container or its connection has ended without being disposed. */
  readonly terminated: Promise<Termination>;
  protected readonly container: Container;
  readonly #fn: FunctionRecord;
  readonly #output: OutputSink;
  readonly #cleanup: AsyncDisposableStack;
  readonly #kept = new DisposableStack();
  #reason: Promise<ServerledgeError> | undefined;
  #disposing = false;
  #disposed: Promise<void> | undefined;

  /**
   * @param parts its container, and the receiver of its output
   * @param ended resolves when its connection shows that it has ended by itself
   * @param cleanup removes everything that belongs to it
   */
  constructor(
    fn: FunctionRecord,
    { container, output }: ContainerParts,
    ended: Promise<unknown>,
    cleanup: AsyncDisposableStack,
  ) {
    this.id = container.name;
    this.container = container;
    this.#fn = fn;
    this.#output = output;
    this.#cleanup = cleanup;
    this.terminated = new Promise((resolve) => {
      void Promise.race([ended, container.stopped()]).then(() => {
        if (!this.#disposing) resolve({ reason: this.termination() });
      });
    });
  }

  /**
   * Transfers a resource to the instance, which disposes it when the container is removed.
   *
   * @param resource resource that is not yet disposed
   */
  keep(resource: Disposable): void {
    this.#kept.use(resource);
  }

  abstract invoke(call: Call): Promise<Reply>;

  abstract cancel(callId: string): void;

  abstract output(callId: string): string | Promise<string>;

  /** Reads the last lines of the container's log. */
  logs(lines: number): Promise<WrittenLine[]> {
    return this.container.timedLogs(lines);
  }

  /** Removes the container and its resources. Calls in flight fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing = true;
    this.#disposed ??= this.#remove();
    return this.#disposed;
  }

  /**
   * Ends the instance and its running calls.
   *
   * @param reason error of these calls, and reason of the termination
   */
  end(reason: ServerledgeError): void {
    this.#reason ??= Promise.resolve(reason);
    // If this fails, the engine is unreachable, and the container is removed when it is reachable again.
    this.container.signal("SIGKILL").catch(() => {});
  }

  /** Passes on the output of a call. */
  protected write(id: string | null, text: string): void {
    if (text !== "") this.#output(this.#fn.name, id, text);
  }

  /** Returns the error for calls without a reply, which describes how the container ended. */
  protected termination(): Promise<ServerledgeError> {
    // All calls that fail with the instance get the same error, even during its removal.
    this.#reason ??= this.#explain();
    return this.#reason;
  }

  /** Lets the container end before its removal, because its log then contains output that was not sent. */
  protected async finish(): Promise<void> {}

  /** Returns the last lines of the log for the caller of a failed call. */
  protected lastLines(): Promise<string> {
    return this.container.logs(crashLogLines);
  }

  /** Id of the call that wrote the lines in the container's log; null if unknown. */
  protected get writer(): string | null {
    return null;
  }

  async #remove(): Promise<void> {
    await this.finish();
    await preserveLog(this.container, this.#fn.name, this.#output, this.writer);
    await this.#cleanup.disposeAsync().finally(() => this.#kept.dispose());
  }

  async #explain(): Promise<ServerledgeError> {
    if (this.#disposing) {
      return new ServerledgeError(
        "FUNCTION_CRASHED",
        "The function's instance was removed before it responded",
      );
    }
    const exit = await withTimeout(this.container.exited(), exitTimeoutMs);
    if (!exit) {
      return new ServerledgeError(
        "FUNCTION_CRASHED",
        "The function's instance closed its connection without a response, and is still running",
        { details: { output: await this.lastLines().catch(() => "") } },
      );
    }
    const lastLines = await this.lastLines().catch(() => "");
    return crash(exit, this.#fn.memoryMib, lastLines);
  }
}

/** Instance with an executor, connected by the executor channel. */
export class ExecutorInstance extends ContainerInstance {
  readonly #connection: ExecutorConnection;
  readonly #signals: boolean;
  /** Id of the call that was running when the instance ended. */
  #interrupted: string | undefined;

  /**
   * Creates an instance whose executor has connected, and listens to its output.
   *
   * @param parts its container and connection
   * @param cleanup removes everything that belongs to it
   */
  constructor(fn: FunctionRecord, parts: ExecutorParts, cleanup: AsyncDisposableStack) {
    const { connection, signals } = parts;
    super(fn, parts, connection.closed, cleanup);
    this.#connection = connection;
    this.#signals = signals;
    connection.explainTermination = () => {
      this.#interrupted = connection.onlyCall;
      return this.termination();
    };
    connection.listen((id, text) => this.write(id, text));
  }

  /** Sends a call to the executor. */
  override invoke(call: Call): Promise<Reply> {
    return this.#connection.invoke(call);
  }

  /** Sends a cancel frame, and a signal if the executor is interrupted by one. */
  override cancel(callId: string): void {
    if (!this.#connection.cancel(callId) || !this.#signals) return;
    // If this fails, the grace period of the cancellation ends and the instance is discarded.
    this.container.signal("SIGUSR1").catch(() => {});
  }

  /** Ends the container. Process 1 then logs the output that a call which does not stop has not sent. */
  protected override async finish(): Promise<void> {
    if (this.#connection.calls === 0) return;
    this.#interrupted = this.#connection.onlyCall;
    await this.container.signal("SIGTERM").catch(() => {});
    await withTimeout(this.container.stopped(), endMs);
  }

  /** Id of the call that was running when the container was ended. */
  protected override get writer(): string | null {
    return this.#signals ? this.#interrupted ?? null : null;
  }

  /** Returns the output of a call in flight that the executor has sent. */
  override output(callId: string): string {
    return this.#connection.output(callId);
  }
}

/** Instance of a custom image, called by HTTP. */
export class CustomInstance extends ContainerInstance {
  readonly #server: CustomServer;
  readonly #calls = new Map<string, CustomCall>();

  /**
   * Creates an instance whose server accepts connections.
   *
   * @param parts its container and server
   * @param cleanup removes everything that belongs to it
   */
  constructor(fn: FunctionRecord, parts: CustomParts, cleanup: AsyncDisposableStack) {
    super(fn, parts, parts.container.stopped(), cleanup);
    this.#server = parts;
  }

  /** Sends a call to the image's HTTP server. */
  override async invoke(call: Call): Promise<Reply> {
    const abort = new AbortController();
    this.#calls.set(call.id, { abort, since: Date.now() });
    try {
      const reply = await callCustom(this.#server, call, abort.signal);
      this.write(call.id, reply.output);
      if (reply.ok) return call.returnOutput ? reply : { ...reply, output: "" };
      // An image that violates the protocol may have printed the reason.
      return reply.output === "" ? { ...reply, output: await this.lastLines() } : reply;
    } catch (error) {
      // The call is not repeated, sent or not: the instance has terminated or is being stopped.
      if (!(error instanceof ConnectionBroken || error instanceof NeverSent)) throw error;
      if (this.#calls.has(call.id)) throw await this.termination();
      throw new ServerledgeError(
        "FUNCTION_CRASHED",
        "The connection to the custom image was closed; it may still be running the invocation",
      );
    } finally {
      this.#calls.delete(call.id);
    }
  }

  /** Closes the call's connection. The image may not detect this, so the instance must be discarded. */
  override cancel(callId: string): void {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    call?.abort.abort();
  }

  /** Returns the log since the call began; empty if several calls run, since lines may be another's. */
  protected override async lastLines(): Promise<string> {
    const [call, other] = this.#calls.values();
    if (!call || other) return "";
    let text = "";
    for (let look = 1; look <= maxLooks; look++) {
      const lines = await this.container.timedLogs(crashLogLines).catch(() => []);
      const own = lines.filter(({ time }) => time >= call.since);
      const seen = own.map(({ text }) => `${text}\n`).join("");
      if (seen !== "" && seen === text) break;
      text = seen;
      await pause(lookAgainMs);
    }
    return text;
  }

  /** Reads the last lines of the log: a custom image sends output only with its reply. */
  override output(callId: string): string | Promise<string> {
    return this.#calls.has(callId) ? this.lastLines() : "";
  }
}
