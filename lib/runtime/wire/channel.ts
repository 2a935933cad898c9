/**
 * Connection to the executor of one instance, created by its endpoint (`endpoint.ts`). Calls and
 * replies are pipelined on it.
 *
 * @module
 */

import { closeQuietly } from "../../base/close.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { sliceBytes } from "../../base/slices.ts";
import { liftText, RestTooLong } from "../../json/lift.ts";
import { QuotedText, release } from "../../json/quoted.ts";
import { JsonScanError } from "../../json/tokens.ts";
import { Callees, invokePrefix, InvokeRequests } from "./callees.ts";
import type { Call, Reply } from "../environment.ts";
import { FrameWriter } from "./frame_writer.ts";
import { type Frame, FrameError, FrameReader, maxFrameBytes, receive } from "./frames.ts";
import {
  logPrefix,
  paramsKey,
  partPrefix,
  readCutReply,
  readLog,
  readPart,
  type ReadReply,
  readReply,
  tooLong,
} from "./messages.ts";
import { refusedResult, type ResultMemory } from "./result_memory.ts";
import { loadId, PendingCalls } from "./pending_calls.ts";

/** Beginning of a frame with a request of the executor to the node. */
const askPrefix = '{"ask":';
/** Maximum bytes of a frame in addition to a long result. Executors cut output and errors at 1 MiB each. */
const maxRestBytes = 8 << 20;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const log = logger("runtime");

/** Pipe to an executor that waits for its next call in a blocking read. */
export interface CallSink {
  /**
   * Sends a call.
   *
   * @returns false if the call must be sent on the connection, which the executor reads from now on
   */
  send(text: string, value?: Uint8Array): boolean;
  /** Makes the executor read its connection. */
  ring(): void;
}

/** Connection to the executor of one instance. */
export class ExecutorConnection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #results: ResultMemory | undefined;
  readonly #pending = new PendingCalls();
  readonly #closed = Promise.withResolvers<void>();
  readonly #writer: FrameWriter;
  readonly #invokes: InvokeRequests;
  #open = true;
  #isBroken = false;
  /** True if the executor waits for its next call on {@link ExecutorConnection.callPipe}. */
  #waits = false;
  /** Faster pipe to an idle executor, used if the executor's last reply says that it waits there. */
  callPipe: CallSink | undefined;
  /** Receives unchecked requests of the executor to the node; undefined if it may send none. */
  onRequest: ((ask: unknown) => void) | undefined;
  /** Maximum bytes of a frame with a request of the executor. */
  maxRequestBytes = 0;
  /** Explains why the executor ended, for the calls that fail with the connection. */
  explainTermination: () => Promise<ServerledgeError> = () => Promise.resolve(connectionClosed());

  /**
   * Wraps a stream of which nothing has been read; {@link ExecutorConnection.run} reads it.
   *
   * @param conn the stream to the executor
   * @param results memory for results; without it, a result may have the size of a frame
   */
  constructor(conn: Deno.Conn, results?: ResultMemory) {
    this.#conn = conn;
    this.#results = results;
    this.#writer = new FrameWriter(conn, () => this[Symbol.dispose]());
    this.#invokes = new InvokeRequests((callId) => this.#pending.find(callId), this.#writer);
  }

  /** Resolves when the connection is closed, by either side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** True if it was closed because the executor broke the protocol. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Number of calls without a reply. */
  get calls(): number {
    return this.#pending.size;
  }

  /** Id of the call under way; undefined if there is none, or more than one. */
  get onlyCall(): string | undefined {
    return this.#pending.onlyId;
  }

  /**
   * Sends a call.
   *
   * @param call its id must differ from those of the calls in flight on this connection
   * @returns the reply of the executor
   * @throws `PAYLOAD_TOO_LARGE` or `UNPROCESSABLE`, and nothing is sent; `FUNCTION_CRASHED` if the
   *   connection closes before the reply
   */
  invoke(call: Call): Promise<Reply> {
    const head = JSON.stringify({
      id: call.id,
      timeoutMs: call.timeoutMs,
      output: true,
      stream: call.onStream && true,
    });
    const text = head.slice(0, -1) + paramsKey;
    return this.#call(call.id, text, call.returnOutput, call);
  }

  /**
   * Loads a function into the executor of a generic instance. Called at most once, before the first
   * call.
   *
   * @param what description of the function
   * @returns a reply like that of a call: the function is ready, or cannot be loaded
   * @throws the errors of {@link ExecutorConnection.invoke}
   */
  async load(what: object): Promise<Reply> {
    const reply = await this.#call(loadId, JSON.stringify({ id: loadId, load: what }), true);
    if (reply.ok) release(reply.result);
    return reply;
  }

  /**
   * Sets the listener for the function's output. Called at most once.
   *
   * @param listener receives the call's id, or null if the call is unknown, and the text
   */
  listen(listener: (id: string | null, text: string) => void): void {
    this.#pending.outputs.listen(listener);
  }

  /** Returns the output of a call in flight so far. */
  output(callId: string): string {
    return this.#pending.find(callId)?.output?.text ?? "";
  }

  /**
   * Asks the executor to stop a call.
   *
   * @returns false if no such call is under way
   */
  cancel(id: string): boolean {
    const pending = this.#pending.find(id);
    if (!pending) return false;
    // It is kept even if the call has invoked nothing: it can invoke nothing from now on.
    (pending.callees ??= new Callees()).cancel();
    this.#writer.add(JSON.stringify({ cancel: id }));
    return true;
  }

  /** Makes an executor that waits on the call pipe read its connection, as after a long idle time. */
  ring(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.callPipe?.ring();
  }

  /**
   * Sends a message that is not a call.
   *
   * @param message message of the protocol
   * @throws `PAYLOAD_TOO_LARGE`, and nothing is sent
   */
  send(message: object): void {
    this.#writer.add(JSON.stringify(message));
  }

  /**
   * Reads until the connection is closed; never rejects.
   *
   * @param reader holds the bytes that have arrived after the hello
   */
  async run(reader: FrameReader): Promise<void> {
    try {
      await this.#read(this.#conn, reader);
    } catch (error) {
      this.#isBroken ||= error instanceof FrameError;
      if (this.#open) log.warn("Executor connection closed: {error}", { error: String(error) });
    } finally {
      reader[Symbol.dispose]();
      this[Symbol.dispose]();
    }
  }

  /**
   * Reads frames from a pipe, to which an executor writes without waiting for its event loop; never
   * rejects. The frames are treated like those of the connection. The pipe is read to its end, even
   * after the connection is closed.
   */
  async follow(pipe: Pick<Deno.Conn, "read">): Promise<void> {
    using reader = new FrameReader();
    try {
      await this.#read(pipe, reader);
    } catch (error) {
      this.#isBroken ||= error instanceof FrameError;
      log.warn("Cannot read the output of an executor: {error}", { error: String(error) });
      this[Symbol.dispose]();
    }
  }

  /** Closes the connection. Calls in flight fail. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#writer.close();
    closeQuietly(this.#conn);
    if (this.#pending.size > 0) void this.#rejectAll();
    this.#closed.resolve();
  }

  async #read(source: Pick<Deno.Conn, "read">, reader: FrameReader): Promise<void> {
    reader.hold = (bytes, head) =>
      bytes > this.#maxUnreserved(head) ? this.#results?.take(bytes) : undefined;
    do {
      reader.keptBytes = this.#keptBytes;
      for (let frame = reader.nextFrame(); frame; frame = reader.nextFrame()) {
        if (isLong(frame)) await this.#receiveLong(frame);
        else this.#receive(decoder.decode(frame.bytes));
      }
      const { outputs } = this.#pending;
      if (outputs.isFlooded) await outputs.drain();
    } while (await receive(source, reader));
  }

  #call(
    id: string,
    text: string,
    returnOutput: boolean,
    { params, onStream, onInvoke }: Partial<Pick<Call, "params" | "onStream" | "onInvoke">> = {},
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return void this.explainTermination().then(reject, reject);
      const value = params?.json;
      if (!this.#sendToPipe(text, value)) this.#writer.add(text, value);
      this.#pending.add({ id, resolve, reject, onStream, onInvoke, returnOutput });
    });
  }

  #sendToPipe(text: string, value?: Uint8Array): boolean {
    if (!this.#waits) return false;
    this.#waits = false;
    return this.callPipe?.send(text, value) === true;
  }

  /** Fails all calls in flight. Their last output may still arrive while the reason is determined. */
  async #rejectAll(): Promise<void> {
    this.#pending.rejectAll(await this.explainTermination().catch(connectionClosed));
  }

  #receive(text: string): void {
    if (this.onRequest && text.startsWith(askPrefix)) {
      return this.onRequest((JSON.parse(text) as { ask: unknown }).ask);
    }
    if (text.startsWith(partPrefix)) {
      const taken = (id: string, cost: number) => this.send({ taken: id, cost });
      return this.#pending.receivePart(readPart(text), taken);
    }
    if (text.startsWith(logPrefix)) return this.#pending.receiveOutput(readLog(text));
    if (text.startsWith(invokePrefix)) {
      return this.#invokes.serve(encoder.encode(text), undefined);
    }
    this.#settle(readReply(text));
  }

  get #maxResultBytes(): number {
    return this.#results?.maxBytes ?? maxFrameBytes;
  }

  /** Maximum bytes of a frame that is kept. Without calls in flight, no result can arrive. */
  get #keptBytes(): number {
    const maxBytes = this.#pending.size === 0 ? 0 : this.#maxResultBytes;
    return Math.max(maxBytes + maxRestBytes, this.maxRequestBytes);
  }

  /** Maximum bytes of a frame that needs no reservation because it has no result; 0 for a reply. */
  #maxUnreserved(head: Uint8Array): number {
    if (this.onRequest && startsWith(head, askPrefix)) return this.maxRequestBytes;
    return startsWith(head, partPrefix) || startsWith(head, logPrefix) ? maxRestBytes : 0;
  }

  /** Reads a long frame in slices. Later frames wait. */
  async #receiveLong({ bytes, isCut, refusal, held }: Frame): Promise<void> {
    const invokes = startsWith(bytes, invokePrefix);
    if (isCut) {
      if (invokes) return this.#refuseInvoke(decoder.decode(bytes), refusal);
      const reply = refusal ? refusedResult(refusal) : tooLong(this.#maxResultBytes);
      return this.#settle(readCutReply(decoder.decode(bytes), reply));
    }
    if (invokes) return this.#invokes.serve(bytes, held);
    using owned = new DisposableStack();
    if (held) owned.use(held);
    try {
      const maxUnreserved = this.#maxUnreserved(bytes);
      const { rest, text } = await liftText(bytes, "result", maxUnreserved || maxRestBytes);
      if (!text || maxUnreserved > 0) return this.#receive(rest);
      const read = readReply(rest, text);
      if (text.length > this.#maxResultBytes) {
        this.#settle({ ...read, reply: tooLong(this.#maxResultBytes) });
      } else if (!read.reply.ok) {
        this.#settle(read);
      } else {
        // Whoever receives the result releases its memory.
        const result = new QuotedText(text.json, owned.move());
        this.#settle({ ...read, reply: { ...read.reply, result } });
      }
    } catch (error) {
      if (error instanceof JsonScanError) {
        throw new FrameError("a frame is not JSON", { cause: error });
      }
      if (!(error instanceof RestTooLong)) throw error;
      // The two ends of the frame contain the id of its call.
      const ends = decoder.decode(bytes.subarray(0, 512)) + decoder.decode(bytes.subarray(-64));
      this.#settle(readCutReply(ends, tooLong(this.#maxResultBytes)));
    }
  }

  #settle({ id, reply, waits }: ReadReply): void {
    if (this.#pending.settle(id, reply)) this.#waits = waits;
  }

  #refuseInvoke(ends: string, refusal: ServerledgeError | undefined): void {
    const maxMib = this.#maxResultBytes / (1 << 20);
    const reason = refusal ?? new ServerledgeError(
      "PAYLOAD_TOO_LARGE",
      `The parameters are longer than ${maxMib} MiB, the maximum between functions (api.result.max)`,
    );
    this.#invokes.refuse(ends, reason);
  }
}

/** Tells whether a frame is read in slices. */
function isLong({ bytes, isCut }: Frame): boolean {
  return isCut || bytes.length > sliceBytes;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return decoder.decode(bytes.subarray(0, text.length)) === text;
}

function connectionClosed(): ServerledgeError {
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    "The function's process exited before it responded",
  );
}
