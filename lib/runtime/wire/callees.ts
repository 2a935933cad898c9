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
import { FrameError } from "./frames.ts";
import { paramsKey } from "./messages.ts";

/** Beginning of a frame with a request to invoke a function. */
export const invokePrefix = '{"invoke":';
/** Maximum number of functions that a call may wait for. */
export const maxCallees = 16;
/** Maximum bytes of a frame before its parameters: the ids and the name. */
const maxHeadBytes = 2048;

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
  #isEnded = false;

  /**
   * Invokes a function.
   *
   * @param frame request, of which nothing is used after the first wait
   * @param reservation memory of the request, which is released when the function has ended
   * @returns the result, whose memory the receiver releases
   * @throws the error of the function, or why it was not invoked
   */
  async invoke(
    onInvoke: Call["onInvoke"],
    { name, params }: InvokeFrame,
    reservation: Disposable | undefined,
  ): Promise<string | QuotedText> {
    using held = new DisposableStack();
    if (reservation) held.use(reservation);
    if (!onInvoke) throw notAllowed(name);
    if (this.#count >= maxCallees) throw tooMany();
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

  /** Cancels everything that the call waits for. It can invoke nothing more. */
  cancel(): void {
    this.#isEnded = true;
    for (const callee of this.#running) callee.cancel();
  }
}

/**
 * Serves a request to invoke a function.
 *
 * @param bytes its frame, valid until more bytes are received
 * @param reservation memory of the frame
 * @param find finds a call in flight
 * @param send sends a frame, with JSON of its last value
 * @throws {FrameError} if the frame violates the protocol
 */
export function serveInvoke(
  bytes: RawJson,
  reservation: Disposable | undefined,
  find: (callId: string) => CallerState | undefined,
  send: (text: string, value?: Uint8Array) => void,
): void {
  const frame = readInvoke(bytes);
  const caller = find(frame.callId);
  const callees = caller ? (caller.callees ??= new Callees()) : new Callees();
  const invoked = caller
    ? callees.invoke(caller.onInvoke, frame, reservation)
    : Promise.reject<string | QuotedText>(callEnded());
  if (!caller) reservation?.[Symbol.dispose]();
  const { number } = frame;
  const fail = (thrown: unknown) => send(failure(number, asServerledgeError(thrown)));
  void invoked.then((result) => {
    try {
      if (result instanceof QuotedText) send(`{"invoked":${number},"result":`, result.json);
      else send(JSON.stringify({ invoked: number, result }));
    } finally {
      release(result);
    }
  }).catch(fail);
}

/**
 * Creates the response to a request that is too long to be kept.
 *
 * @param ends the two ends of its frame
 * @param reason why it was not kept
 * @throws {FrameError} if the frame violates the protocol
 */
export function refusedInvoke(ends: string, reason: ServerledgeError): string {
  const [, number] = /^\{"invoke":(\d{1,15}),/.exec(ends) ?? [];
  if (number === undefined) throw new FrameError("a request to invoke a function has no number");
  return failure(Number(number), reason);
}

function failure(invoked: number, { code, message }: ServerledgeError): string {
  return JSON.stringify({ invoked, error: { code, message } });
}

function readInvoke(bytes: RawJson): InvokeFrame {
  const head = decoder.decode(bytes.subarray(0, maxHeadBytes));
  const at = head.indexOf(paramsKey);
  if (at < 0) throw new FrameError("a request to invoke a function has no params");
  const before = head.slice(0, at);
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

function tooMany(): ServerledgeError {
  const message = `An invocation may wait for ${maxCallees} functions at once; wait for one of ` +
    "them before invoking the next";
  return new ServerledgeError("UNPROCESSABLE", message);
}

function callEnded(): ServerledgeError {
  const message = "The invocation has ended: code that outlives it cannot invoke functions";
  return new ServerledgeError("FORBIDDEN", message);
}
