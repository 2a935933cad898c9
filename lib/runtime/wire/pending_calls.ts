/**
 * Calls of one executor that have no reply yet, with their output and streamed responses.
 *
 * @module
 */

import type { ServerledgeError } from "../../base/errors.ts";
import { release } from "../../json/quoted.ts";
import type { Call, Reply } from "../environment.ts";
import { CallOutput, withOutput } from "./call_output.ts";
import type { CallerState } from "./callees.ts";
import { FrameError } from "./frames.ts";
import type { LogFrame, Part } from "./messages.ts";
import { OutputIntake } from "./output_intake.ts";
import { StreamedBody } from "./streamed_body.ts";

/** Id of the message that names the function to an executor. No call has this id. */
export const loadId = "load";

/** Maximum number of replies without a pending call before a connection is closed. */
const maxStrays = 16;

/** A call in flight. */
export interface PendingCall extends CallerState {
  readonly id: string;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: ServerledgeError) => void;
  readonly onStream: Call["onStream"];
  /** True if a successful reply includes the call's output. */
  readonly returnOutput: boolean;
  /** Output of the call; undefined until it writes some. */
  output?: CallOutput;
  /** Body of the streamed response; undefined until its head has arrived. */
  body?: StreamedBody;
}

/** The calls in flight, oldest first. */
export class PendingCalls {
  /** There are few, so a map would cost more: see bag.ts. */
  readonly #calls: PendingCall[] = [];
  /** Output of all calls, and of none. */
  readonly outputs = new OutputIntake();
  #strays = 0;

  /** Number of calls. */
  get size(): number {
    return this.#calls.length;
  }

  /** Id of the only call; undefined if there is none, or more than one. */
  get onlyId(): string | undefined {
    return this.#calls.length === 1 ? this.#calls[0]!.id : undefined;
  }

  /** Adds a call. */
  add(call: PendingCall): void {
    this.#calls.push(call);
  }

  /** Returns a call; undefined if it is not in flight. */
  find(id: string): PendingCall | undefined {
    return this.#calls.find((call) => call.id === id);
  }

  /**
   * Ends a call with its reply.
   *
   * @returns false if there is no such call
   * @throws {FrameError} after too many replies without a call
   */
  settle(id: string, reply: Reply): boolean {
    const at = this.#calls.findIndex((call) => call.id === id);
    if (at < 0) {
      if (reply.ok) release(reply.result);
      // A call is pending until its reply, so this reply belongs to no call.
      if (++this.#strays > maxStrays) throw new FrameError("too many replies without a call");
      return false;
    }
    const call = this.#calls[at]!;
    this.#calls.splice(at, 1);
    this.outputs.ended(id);
    call.callees?.cancel();
    call.resolve(this.#withOutput(call, reply));
    return true;
  }

  /** Fails all calls. */
  rejectAll(reason: ServerledgeError): void {
    for (const { reject, output, callees } of this.#calls.splice(0)) {
      callees?.cancel();
      reject(withOutput(reason, output?.text ?? ""));
    }
  }

  /** Adds output to its call, if that is in flight, and passes it on. */
  receiveOutput({ id, text }: LogFrame): void {
    const call = id === null ? undefined : this.find(id);
    if (call) (call.output ??= new CallOutput()).write(text);
    this.outputs.receive(id, text, call !== undefined);
  }

  /**
   * Receives a part of a streamed response.
   *
   * @param taken called with the id of the call and the cost of what its reader has taken
   * @throws {FrameError} for a part of no streamed response
   */
  receivePart(part: Part, taken: (id: string, cost: number) => void): void {
    const { id } = part;
    const call = this.find(id);
    if ("data" in part) {
      if (!call?.body) throw new FrameError("a part belongs to no response");
      call.body.push(part.data);
      return;
    }
    if (!call?.onStream || call.body) {
      throw new FrameError("a response is streamed without a request for it");
    }
    call.body = new StreamedBody((cost) => taken(id, cost));
    call.onStream({ ...part.head, body: call.body });
  }

  /** Adds the output of the call to its reply, if the reply must include it. */
  #withOutput({ id, output, returnOutput }: PendingCall, reply: Reply): Reply {
    if (!output && reply.output === "") return reply;
    if (reply.output !== "") this.outputs.handOn(id === loadId ? null : id, reply.output);
    if (reply.ok && !returnOutput) return { ...reply, output: "" };
    if (!output) return reply;
    output.write(reply.output);
    return { ...reply, output: output.text };
  }
}
