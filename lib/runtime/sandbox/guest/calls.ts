/**
 * Calls inside the sandbox. Each call gets exactly one reply, whatever the function does.
 *
 * @module
 */

import type { JsonObject } from "../../../json/json.ts";
import type { SandboxSpec } from "../spec.ts";
import type { Invoker } from "./invoker.ts";
import type { Handler, InvocationContext } from "./loader.ts";
import type { CallOutput, Output } from "./output.ts";
import { type AnswerHead, ReplyStream } from "./reply_stream.ts";
import { encodeResult, type Failure } from "./results.ts";

/** Error message for a result that exceeds the size of a frame. */
export const tooLarge =
  "The result is longer than 64 MiB of JSON, the maximum of one reply; the node's " +
  "api.result.max may be smaller";

/** Call in the form in which the node sends it. */
export interface CallMessage {
  readonly id: string;
  /** Parameters of the function. */
  readonly params: JsonObject | null;
  /** Maximum execution time, ms. */
  readonly timeoutMs: number;
  /** True if the client accepts a streamed response. */
  readonly stream?: boolean;
}

/** Context of a call. Its abort signal is created on first access. */
class Context implements InvocationContext {
  readonly functionName: string;
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly memoryLimitMib: number;
  readonly area: string;
  readonly node: string;
  readonly #invoker: CallsOptions["invoker"];
  #controller: AbortController | undefined;
  #cancelled = false;

  constructor({ spec, invoker }: CallsOptions, call: CallMessage) {
    this.#invoker = invoker;
    this.functionName = spec.name;
    this.requestId = call.id;
    this.deadlineMs = Date.now() + call.timeoutMs;
    this.memoryLimitMib = spec.memoryMib;
    this.area = spec.area;
    this.node = spec.node;
  }

  remainingMs(): number {
    return Math.max(0, this.deadlineMs - Date.now());
  }

  invoke(name: string, params: unknown = null): Promise<unknown> {
    return this.#invoker.invoke(this.requestId, name, params);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  static cancel(context: Context): void {
    context.#cancelled = true;
    context.#controller?.abort();
  }
}

/** Call in flight. */
interface Running {
  readonly context: Context;
  readonly output: CallOutput;
  readonly call: CallMessage;
  /** Response of the call, if it is streamed. */
  stream?: ReplyStream;
}

/**
 * Sends a reply.
 *
 * @param isStreamed true if the response was streamed; the reply has to arrive after its parts
 * @throws if the reply is too long; in that case nothing is sent
 */
export type SendReply = (reply: object, isStreamed?: boolean) => void;

/** Dependencies of {@link Calls}. */
export interface CallsOptions {
  /** Facts about the function. */
  readonly spec: Pick<SandboxSpec, "name" | "memoryMib" | "area" | "node">;
  /** Loaded function. */
  readonly handler: Handler;
  /** Invokes other functions. */
  readonly invoker: Pick<Invoker, "invoke">;
  readonly output: Output;
  /** Sends a part of a response. Throws if it is too long. */
  readonly send: (part: object) => void;
  readonly reply: SendReply;
  /** Describes a thrown value. */
  readonly describe: (thrown: unknown) => Failure;
}

/** Runs calls of one function. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #running = new Map<string, Running>();

  /** Creates a runner without calls. */
  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** True while calls are running. */
  get busy(): boolean {
    return this.#running.size > 0;
  }

  /**
   * Starts a call. Its reply is sent when the call ends.
   *
   * @param call has an id that no running call has
   */
  run(call: CallMessage): void {
    const { output } = this.#options;
    const context = new Context(this.#options, call);
    const running: Running = { call, output: output.open(call.id), context };
    this.#running.set(call.id, running);
    output.run(running.output, () => this.#execute(running));
  }

  /**
   * Cancels a call.
   *
   * @param id of the call, which may have ended
   */
  cancel(id: string): void {
    const running = this.#running.get(id);
    if (running) Context.cancel(running.context);
  }

  /**
   * Handles the node's acknowledgment of parts of a response.
   *
   * @param id of the call, which may have ended
   * @param cost of the acknowledged parts
   */
  taken(id: string, cost: number): void {
    this.#running.get(id)?.stream?.taken(cost);
  }

  /**
   * Fails the call whose code has thrown outside of its handler. If the code belongs to no call, fails the
   * only running call.
   *
   * @returns false if the call has ended or cannot be determined
   */
  blame(thrown: unknown): boolean {
    const { owner } = this.#options.output;
    const all = [...this.#running.values()];
    const running = owner ? all.find(({ output }) => output === owner) : all[0];
    if (!running || (!owner && all.length > 1)) return false;
    this.#fail(running, thrown);
    return true;
  }

  #execute(running: Running): void {
    try {
      const { call, context } = running;
      const begin = call.stream ? (head: AnswerHead) => this.#begin(running, head) : undefined;
      const result = this.#options.handler(call.params, context, begin);
      if (typeof (result as Promise<unknown> | undefined)?.then !== "function") {
        return this.#succeed(running, result);
      }
      (result as Promise<unknown>).then(
        (value) => this.#succeed(running, value),
        (error) => this.#fail(running, error),
      );
    } catch (error) {
      this.#fail(running, error);
    }
  }

  #begin(running: Running, head: AnswerHead): ReplyStream {
    if (!this.#running.has(running.call.id)) throw new Error("The invocation has ended");
    const { call: { id }, context: { signal } } = running;
    return running.stream = new ReplyStream({ id, signal, send: this.#options.send }, head);
  }

  #succeed(running: Running, value: unknown): void {
    let result: string;
    try {
      result = encodeResult(value);
    } catch (error) {
      return this.#fail(running, error);
    }
    if (!this.#end(running)) return;
    try {
      this.#reply(running, { ok: true, result });
    } catch {
      this.#refuse(running, { type: "ResultTooLarge", message: tooLarge, traceback: "" });
    }
  }

  #fail(running: Running, thrown: unknown): void {
    if (!this.#end(running)) return;
    this.#refuse(running, this.#options.describe(thrown));
  }

  /** @returns false if the call had ended before, for another reason */
  #end({ call, output, stream }: Running): boolean {
    stream?.close();
    if (!this.#running.delete(call.id)) return false;
    output.flush();
    return true;
  }

  #refuse(running: Running, error: Failure): void {
    this.#reply(running, { ok: false, error });
  }

  #reply({ call, stream }: Running, end: object): void {
    this.#options.reply({ id: call.id, ...end, output: "" }, stream !== undefined);
  }
}
