/**
 * Contract of an execution environment, which starts instances of functions and calls them.
 *
 * @module
 */

import type { ServerledgeError } from "../base/errors.ts";
import type { Text } from "../json/quoted.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Params } from "../model/params.ts";
import type { ColdTier } from "../model/start_tier.ts";
import type { WrittenLine } from "./wire/call_output.ts";
import type { StreamedBody } from "./wire/streamed_body.ts";

/** Call of a function in an instance. */
export interface Call {
  /** Identifier, unique among the calls of the node. */
  readonly id: string;
  /** Parameters of the function. */
  readonly params: Params;
  /** Time limit of the execution, ms. The caller enforces it; executors use it to stop early. */
  readonly timeoutMs: number;
  /** True if a successful reply must include the output, which is captured in any case. */
  readonly returnOutput: boolean;
  /**
   * Called once if the function sends a response before it has ended. The reply then contains only how
   * the function ended, and the caller has to end the body. If omitted, responses are not streamed.
   */
  readonly onStream?: (answer: StreamedAnswer) => void;
  /**
   * Sends a request of the function to invoke another one. If omitted, the function may not invoke others.
   *
   * @throws why the request is refused
   */
  readonly onInvoke?: (callee: CalleeCall) => Callee;
}

/** Request of a function to invoke another one. */
export interface CalleeCall {
  /** Name of the function to invoke. */
  readonly name: string;
  readonly params: Params;
  /** Memory reserved for the parameters. Its receiver releases it, unless the receiver throws. */
  readonly reservation?: Disposable;
}

/** Invocation that a function has requested. */
export interface Callee {
  /** Resolves with the result, whose memory the receiver releases; rejects with a `ServerledgeError`. */
  readonly result: Promise<Text>;
  /** Cancels it, as its caller has ended. */
  cancel(): void;
}

/** HTTP response whose body arrives later. */
export interface StreamedAnswer {
  readonly status: number;
  /** Headers, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Body, which the receiver of the response has to read or cancel. */
  readonly body: StreamedBody;
}

/** Failure that a function reports. */
export interface FunctionFailure {
  /** Class of the error, e.g. `ValueError`. */
  readonly type: string;
  readonly message: string;
  /** Traceback or stack in the format of the language; may be empty. */
  readonly traceback: string;
}

/** Outcome of an execution. A result is JSON text. */
export type Reply =
  | { readonly ok: true; readonly result: Text; readonly output: string }
  | { readonly ok: false; readonly failure: FunctionFailure; readonly output: string };

/** Unexpected termination of an instance. */
export interface Termination {
  /** Resolves with the observed reason, which may take a second or two; never rejects. */
  readonly reason: Promise<ServerledgeError>;
}

/** Running instance of a function. Disposing it removes it. */
export interface Instance extends AsyncDisposable {
  /** Identifier for logs, e.g. the container's name. */
  readonly id: string;
  /** Way in which the instance was started. */
  readonly tier: ColdTier;
  /**
   * Runs the function once. The caller never has more calls in flight than the function's
   * `maxConcurrency`.
   *
   * @throws `FUNCTION_CRASHED` if the instance terminates during the call; `PAYLOAD_TOO_LARGE` or
   *   `UNPROCESSABLE` if the call cannot be sent, and the instance remains usable
   */
  invoke(call: Call): Promise<Reply>;
  /**
   * Requests a running call to stop. Its `invoke` settles only when the function has stopped, which may
   * never happen: the caller decides how long it waits before it disposes the instance.
   */
  cancel(callId: string): void;
  /**
   * Returns the output of a call in flight as far as the node has received it; empty for any other call.
   * If the output must be fetched, returns a promise, which never rejects.
   */
  output(callId: string): string | Promise<string>;
  /** Resolves when the instance has ended without being disposed; never rejects. */
  readonly terminated: Promise<Termination>;
  /**
   * Reads lines of the instance's standard streams that no {@link OutputSink} has received yet. The sink
   * receives them when the instance ends.
   *
   * @param lines maximum number of lines, from the end
   */
  logs(lines: number): Promise<WrittenLine[]>;
}

/** Image that is being pulled. */
export interface Pull {
  /** The image's name. */
  readonly image: string;
  /** Progress as far as the size is known, 0 to 100. */
  readonly percent: number;
  /** Description, e.g. `12 of 80 MB`. */
  readonly message: string;
}

/** Kind of generic instances of an environment. */
export interface GenericKind {
  /** Environment that starts them. */
  readonly place: "container" | "sandbox";
  /** Identifier among the kinds of this place, e.g. the runtime's. */
  readonly id: string;
  /** Memory reserved for an instance until it is specialized, MiB. */
  readonly memoryMib: number;
  /** Number of instances to keep ready. */
  readonly count: number;
}

/** Running generic instance. Disposing it removes it. */
export interface GenericInstance extends AsyncDisposable {
  /** Resolves when it can no longer be specialized although it was not disposed; never rejects. */
  readonly ended: Promise<unknown>;
  /**
   * Turns it into an instance of a function. Called at most once.
   *
   * @param fn function of its kind, see {@link ExecutionEnvironment.generic}
   * @returns undefined, after the instance is removed, if it turns out that the function cannot use it
   * @throws after the instance is removed: `FUNCTION_ERROR` if the function's code fails, or any other
   *   error, after which an instance may be started from scratch
   */
  specialize(fn: FunctionRecord, signal: AbortSignal): Promise<Instance | undefined>;
}

/** Execution environment. */
export interface ExecutionEnvironment extends AsyncDisposable {
  /**
   * Prepares the image and the unpacked code for starts of a function. Concurrent callers share one
   * preparation.
   *
   * @param options.refresh true to pull the image even if it is present
   * @throws `ENGINE_UNAVAILABLE`, or `ENGINE_REFUSED` with advice
   */
  prepare(fn: FunctionRecord, options?: { refresh?: boolean }): Promise<void>;
  /**
   * Starts an instance, which is ready when the promise resolves. Prepares the start if needed. A failed
   * start removes everything that it has created.
   *
   * @throws `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED`, or `INSTANCE_START_FAILED` with the observed reason
   */
  start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance>;
  /**
   * Returns the architectures that the function's image is known to run on, e.g. `["amd64"]`; empty if
   * unknown.
   */
  architectures(fn: FunctionRecord): Promise<string[]>;
  /**
   * Removes instances and other objects that remain from a crashed process of the node.
   *
   * @returns number of removed instances
   */
  sweep(): Promise<number>;
  /**
   * Follows the creation, update or deletion of a function. The environment may prepare its next start in
   * the background.
   *
   * @param fn undefined if the function was deleted
   */
  follow?(name: string, fn: FunctionRecord | undefined): void;
  /** Returns the kind of generic instances that can be specialized for a function, if there is one. */
  generic?(fn: FunctionRecord): GenericKind | undefined;
  /**
   * Starts a generic instance.
   *
   * @returns undefined if that is impossible now, for example because the image is not present
   * @throws the errors of {@link ExecutionEnvironment.start}
   */
  startGeneric?(kind: GenericKind, signal: AbortSignal): Promise<GenericInstance | undefined>;
  /**
   * Sets the listener that is notified when the generic instances of a kind are outdated, because their
   * image was pulled again. Ready and starting ones have to be replaced.
   */
  onOutdated?(listener: (kind: GenericKind) => void): void;
  /** Returns the images that are being pulled. */
  pulls?(): Pull[];
  /** Returns true if instances can be started now, otherwise the reason. */
  available(): Promise<true | string>;
}
