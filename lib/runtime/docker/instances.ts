/**
 * Running instances: a container and the connection to what runs in it.
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

/** Time limit for observing the end of a container whose connection is closed. */
const exitTimeoutMs = 2_000;
/** Time limit for a container with calls in flight to end before it is removed. */
const endMs = 300;
/**
 * The engine may log lines after the image's reply has come, those of stdout after those of stderr: looks
 * until two see the same, and the pause between.
 */
const maxLooks = 4;
const lookAgainMs = 25;
/** Number of log lines in the error of a crash. */
const crashLogLines = 20;

/** Parts of every instance in a container. */
interface ContainerParts {
  readonly container: Container;
  /** Keeps what its function writes. */
  readonly output: OutputSink;
}

/** What an instance of one of our runtimes is made of. */
interface ExecutorParts extends ContainerParts {
  readonly connection: ExecutorConnection;
  /**
   * True if its executor runs one call at a time, receives cancellations meanwhile only by a signal, and
   * leaves to its container's log only what it has not sent at its end.
   */
  readonly signals: boolean;
}

/** Call of a custom image. */
interface CustomCall {
  /** Closes its connection. */
  readonly abort: AbortController;
  /** When it began, ms since the Unix epoch. */
  readonly since: number;
}

/** Parts of an instance of a custom image. */
interface CustomParts extends ContainerParts, CustomServer {}

/** Common part of all instances in containers. */
abstract class ContainerInstance implements Instance {
  /** The container's name. */
  readonly id: string;
  /** See {@link Instance.tier}. */
  tier: ColdTier = "full";
  /** See {@link Instance.terminated}. */
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
   * @param parts where, and who keeps its output
   * @param ended resolves when it ended by itself, as far as its connection tells
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
   * Leaves something to the instance, to be disposed when its container is gone.
   *
   * @param resource not yet disposed
   */
  keep(resource: Disposable): void {
    this.#kept.use(resource);
  }

  abstract invoke(call: Call): Promise<Reply>;

  abstract cancel(callId: string): void;

  abstract output(callId: string): string | Promise<string>;

  /** See {@link Instance.logs}. */
  logs(lines: number): Promise<WrittenLine[]> {
    return this.container.timedLogs(lines);
  }

  /** Removes the container and what belongs to it; calls under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing = true;
    this.#disposed ??= this.#remove();
    return this.#disposed;
  }

  /**
   * Ends it, running calls included.
   *
   * @param reason the error of these calls, and the reason of the termination
   */
  end(reason: ServerledgeError): void {
    this.#reason ??= Promise.resolve(reason);
    // If this fails the engine is away, and the container is removed when it is back.
    this.container.signal("SIGKILL").catch(() => {});
  }

  /** Keeps what a call has written. */
  protected write(id: string | null, text: string): void {
    if (text !== "") this.#output(this.#fn.name, id, text);
  }

  /** The error for calls that were not answered; says what was seen. */
  protected termination(): Promise<ServerledgeError> {
    // All calls that fail with it get the same error, even while it is being removed.
    this.#reason ??= this.#explain();
    return this.#reason;
  }

  /** Lets the container end, so that its log gets what it has not sent yet. */
  protected async finish(): Promise<void> {}

  /** Last lines that a caller whose call failed with it may see. */
  protected lastLines(): Promise<string> {
    return this.container.logs(crashLogLines);
  }

  /** The call that has written what is in the container's log; null if unknown. */
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
        "The function's instance was removed before it answered",
      );
    }
    const exit = await withTimeout(this.container.exited(), exitTimeoutMs);
    if (!exit) {
      return new ServerledgeError(
        "FUNCTION_CRASHED",
        "The function's instance closed its connection without an answer, and still runs",
        { details: { output: await this.lastLines().catch(() => "") } },
      );
    }
    const lastLines = await this.lastLines().catch(() => "");
    return crash(exit, this.#fn.memoryMib, lastLines);
  }
}

/** An instance of one of our runtimes, reached by the executor channel. */
export class ExecutorInstance extends ContainerInstance {
  readonly #connection: ExecutorConnection;
  readonly #signals: boolean;
  /** The call that was running when it ended. */
  #interrupted: string | undefined;

  /**
   * @param parts where, and how it is reached
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

  /** See {@link Instance.invoke}. */
  override invoke(call: Call): Promise<Reply> {
    return this.#connection.invoke(call);
  }

  /** See {@link Instance.cancel}. */
  override cancel(callId: string): void {
    if (!this.#connection.cancel(callId) || !this.#signals) return;
    // If this fails, the caller's grace ends and the instance is discarded.
    this.container.signal("SIGUSR1").catch(() => {});
  }

  /** A call that does not stop may hold back what it has written: process 1 writes that to the log. */
  protected override async finish(): Promise<void> {
    if (this.#connection.calls === 0) return;
    this.#interrupted = this.#connection.onlyCall;
    await this.container.signal("SIGTERM").catch(() => {});
    await withTimeout(this.container.stopped(), endMs);
  }

  /** See {@link ContainerInstance.writer}. */
  protected override get writer(): string | null {
    return this.#signals ? this.#interrupted ?? null : null;
  }

  /** See {@link Instance.output}. */
  override output(callId: string): string {
    return this.#connection.output(callId);
  }
}

/** An instance of a custom image, reached by HTTP. */
export class CustomInstance extends ContainerInstance {
  readonly #server: CustomServer;
  readonly #calls = new Map<string, CustomCall>();

  /**
   * @param parts where, and how it is reached
   * @param cleanup removes everything that belongs to it
   */
  constructor(fn: FunctionRecord, parts: CustomParts, cleanup: AsyncDisposableStack) {
    super(fn, parts, parts.container.stopped(), cleanup);
    this.#server = parts;
  }

  /** See {@link Instance.invoke}. */
  override async invoke(call: Call): Promise<Reply> {
    const abort = new AbortController();
    this.#calls.set(call.id, { abort, since: Date.now() });
    try {
      const reply = await callCustom(this.#server, call, abort.signal);
      this.write(call.id, reply.output);
      if (reply.ok) return call.returnOutput ? reply : { ...reply, output: "" };
      // One that breaks the protocol has printed why.
      return reply.output === "" ? { ...reply, output: await this.lastLines() } : reply;
    } catch (error) {
      // It does not matter whether it was sent: its instance has terminated or is being stopped.
      if (!(error instanceof ConnectionBroken || error instanceof NeverSent)) throw error;
      if (this.#calls.has(call.id)) throw await this.termination();
      throw new ServerledgeError(
        "FUNCTION_CRASHED",
        "The connection to the custom image was closed; it may still run the call",
      );
    } finally {
      this.#calls.delete(call.id);
    }
  }

  /** Closes the call's connection; the image may not notice, so the instance must be discarded. */
  override cancel(callId: string): void {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    call?.abort.abort();
  }

  /** Returns what it printed since its call began; nothing if several run, since it may be another's. */
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

  /** See {@link Instance.output}: a custom image tells it with its reply, until then its log has it. */
  override output(callId: string): string | Promise<string> {
    return this.#calls.has(callId) ? this.lastLines() : "";
  }
}
