/**
 * Requests of the calls of one instance to invoke other functions.
 *
 * @module
 */

import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { QuotedText, release } from "../../json/quoted.ts";
import { readInvokeRequest } from "../../model/invocation.ts";
import { type RawJson, surround } from "../../model/params.ts";
import type { Call, Callee } from "../environment.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { FrameError } from "./frames.ts";
import { paramsKey } from "./messages.ts";

/** Beginning of a frame with a request to invoke a function. */
export const invokePrefix = '{"invoke":';
/** Maximum number of functions that a call may wait for, and of their responses that it has not read. */
export const maxCallees = 16;
/** Maximum bytes of a frame before its parameters: the ids and the name. */
const maxHeadBytes = 2048;
/** Maximum length of the refusals that an executor has not read. */
const maxRefusalsLength = 1 << 20;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Request as it was received. */
interface InvokeFrame {
  /** Number of the request, chosen by the executor. */
  readonly number: number;
  /** Id of the call that sent it. */
  readonly callId: string;
  readonly name: string;
  /** Unchecked JSON of the parameters, valid until more bytes are received. */
  readonly params: RawJson;
}

/** Call that may invoke functions, and those that it waits for. */
export interface CallerState {
  readonly onInvoke: Call["onInvoke"];
  /** What it waits for; undefined if it has invoked nothing. */
  callees?: Callees;
}

/** Functions that one call waits for. */
export class Callees {
  readonly #running = new Set<Callee>();
  #count = 0;
  /** Number of responses that the executor has not read. */
  #unread = 0;
  #isEnded = false;

  /** Returns why the call can invoke nothing now; undefined if it can. */
  get refusal(): ServerledgeError | undefined {
    if (this.#isEnded) return callEnded();
    return Math.max(this.#count, this.#unread) < maxCallees ? undefined : tooMany();
  }

  /**
   * Invokes a function.
   *
   * @param frame request, of which nothing is used after the first wait
   * @param reservation memory of the request, which is released when the function has ended
   * @returns the result, whose memory the receiver releases
   * @throws the error of the function
   */
  async invoke(
    onInvoke: NonNullable<Call["onInvoke"]>,
    { name, params }: InvokeFrame,
    reservation: Disposable | undefined,
  ): Promise<string | QuotedText> {
    using held = new DisposableStack();
    if (reservation) held.use(reservation);
    this.#count++;
    try {
      const request = await readInvokeRequest(surround('{"Params":', params, "}"));
      if (this.#isEnded) throw callEnded();
      const callee = onInvoke({ name, params: request.params, reservation });
      held.move();
      this.#running.add(callee);
      try {
        return await callee.result;
      } finally {
        this.#running.delete(callee);
      }
    } finally {
      this.#count--;
    }
  }

  /** Counts a response until it was read. */
  async unread(read: Promise<void>): Promise<void> {
    this.#unread++;
    await read;
    this.#unread--;
  }

  /** Cancels everything that the call waits for. It can invoke nothing more. */
  cancel(): void {
    this.#isEnded = true;
    for (const callee of this.#running) callee.cancel();
  }
}

/** Serves the requests of one executor to invoke functions. */
export class InvokeRequests {
  readonly #find: (callId: string) => CallerState | undefined;
  readonly #writer: FrameWriter;
  /** Length of the refusals that the executor has not read. */
  #refusalsLength = 0;

  /**
   * Creates a server without requests.
   *
   * @param find finds a call in flight
   * @param writer writes the responses
   */
  constructor(find: (callId: string) => CallerState | undefined, writer: FrameWriter) {
    this.#find = find;
    this.#writer = writer;
  }

  /**
   * Serves a request.
   *
   * @param bytes its frame, valid until more bytes are received
   * @param reservation memory of the frame
   * @throws {FrameError} if the frame violates the protocol
   */
  serve(bytes: RawJson, reservation: Disposable | undefined): void {
    using held = new DisposableStack();
    if (reservation) held.use(reservation);
    const head = decoder.decode(bytes.subarray(0, maxHeadBytes));
    const at = head.indexOf(paramsKey);
    if (at < 0) return this.refuse(head, headTooLong());
    const frame = readInvoke(bytes, head.slice(0, at));
    const caller = this.#find(frame.callId);
    if (!caller) return this.#refuse(frame.number, callEnded());
    if (!caller.onInvoke) return this.#refuse(frame.number, notAllowed(frame.name));
    const callees = caller.callees ??= new Callees();
    const { refusal } = callees;
    if (refusal) return this.#refuse(frame.number, refusal);
    held.move();
    void this.#respond(frame.number, callees, callees.invoke(caller.onInvoke, frame, reservation));
  }

  /**
   * Refuses a request that is not kept.
   *
   * @param head beginning of its frame
   * @param reason why it is not kept
   * @throws {FrameError} if the frame violates the protocol
   */
  refuse(head: string, reason: ServerledgeError): void {
    const [, number] = /^\{"invoke":(\d{1,15}),/.exec(head) ?? [];
    if (number === undefined) throw new FrameError("a request to invoke a function has no number");
    this.#refuse(Number(number), reason);
  }

  /** Refuses a request. Executors may write many requests before they read, but not without a limit. */
  #refuse(number: number, reason: ServerledgeError): void {
    const text = failure(number, reason);
    if (this.#refusalsLength > maxRefusalsLength) {
      throw new FrameError("the refusals of requests to invoke functions are not read");
    }
    this.#refusalsLength += text.length;
    this.#writer.add(text);
    void this.#writer.flushed.then(() => this.#refusalsLength -= text.length);
  }

  /** Keeps the memory of a result until it was read. */
  async #respond(
    number: number,
    callees: Callees,
    invoked: Promise<string | QuotedText>,
  ): Promise<void> {
    let result: string | QuotedText = "";
    try {
      result = await invoked;
      this.#addResult(number, result);
    } catch (error) {
      this.#writer.add(failure(number, asServerledgeError(error)));
    }
    await callees.unread(this.#writer.flushed);
    release(result);
  }

  /** Custom images may return no result, which is null to a function. */
  #addResult(invoked: number, result: string | QuotedText): void {
    if (result instanceof QuotedText) {
      this.#writer.add(`{"invoked":${invoked},"result":`, result.json);
    } else {
      this.#writer.add(JSON.stringify({ invoked, result: result || "null" }));
    }
  }
}

function failure(invoked: number, { code, message }: ServerledgeError): string {
  return JSON.stringify({ invoked, error: { code, message } });
}

/** @param before its members before the parameters */
function readInvoke(bytes: RawJson, before: string): InvokeFrame {
  const { invoke: number, call: callId, function: name } = parseHead(`${before}}`);
  if (!Number.isSafeInteger(number) || typeof callId !== "string" || typeof name !== "string") {
    throw new FrameError("a request to invoke a function has no number, call or function");
  }
  const start = encoder.encode(before).length + paramsKey.length;
  const params = bytes.subarray(start, bytes.length - 1);
  return { number: number as number, callId, name, params };
}

function parseHead(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FrameError("a request to invoke a function is not JSON", { cause });
  }
}

function notAllowed(name: string): ServerledgeError {
  const message = `Cannot invoke "${name}": the function may not invoke others; allow it with ` +
    "update --invokes";
  return new ServerledgeError("FORBIDDEN", message, { details: { path: "Invokes" } });
}

function headTooLong(): ServerledgeError {
  const message = "Cannot invoke a function: the request has no params, or more than " +
    `${maxHeadBytes} bytes before them; the name may be too long`;
  return new ServerledgeError("INVALID_REQUEST", message);
}

function tooMany(): ServerledgeError {
  const message = `An invocation may wait for ${maxCallees} functions at once; wait for one of ` +
    "them before invoking the next";
  return new ServerledgeError("UNPROCESSABLE", message);
}

function callEnded(): ServerledgeError {
  const message = "The invocation has ended: code that outlives it cannot invoke functions";
  return new ServerledgeError("FORBIDDEN", message);
}
