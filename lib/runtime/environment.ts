/**
 * Contract of an execution environment, which starts instances of functions and
 * calls them.
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

/** Execution that an instance is asked for. */
export interface Call {
  /** Identifier, unique among the calls of the node. */
  readonly id: string;
  /** Parameters of the function. */
  readonly params: Params;
  /** Time the execution may take, ms. The caller enforces it; executors use it to stop early. */
  readonly timeoutMs: number;
  /** True if output is wanted with a successful reply too; it is captured in any case. */
  readonly returnOutput: boolean;
  /**
   * Called once if the function answers before it has ended. Its reply, when it comes, then says
   * only how it ended: the caller has to end the body. Without it answers are whole.
   */
  readonly onStream?: (answer: StreamedAnswer) => void;
}

/** HTTP response whose body is still to come. */
export interface StreamedAnswer {
  readonly status: number;
  /** Headers, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body, which its taker has to read or cancel. */
  readonly body: StreamedBody;
}

/** Failure of a function, as it reports it. */
export interface FunctionFailure {
  /** Class of the error, e.g. `ValueError`. */
  readonly type: string;
  readonly message: string;
  /** Its traceback or stack, as the language prints it; may be empty. */
  readonly traceback: string;
}

/** Outcome of an execution, as data. A result is JSON text. */
export type Reply =
  | { readonly ok: true; readonly result: Text; readonly output: string }
  | { readonly ok: false; readonly failure: FunctionFailure; readonly output: string };

/** Unexpected termination of an instance. */
export interface Termination {
  /** Resolves, never rejects, with what was seen of it, which may take a second or two. */
  readonly reason: Promise<ServerledgeError>;
}

/** Running instance of a function. Disposing it removes it. */
export interface Instance extends AsyncDisposable {
  /** Identifier for logs, e.g. the container's name. */
  readonly id: string;
  /** How it was started. */
  readonly tier: ColdTier;
  /**
   * Runs the function once. The caller never has more calls under way than the function's
   * `maxConcurrency`.
   *
   * @throws `FUNCTION_CRASHED` if the instance is lost meanwhile; `PAYLOAD_TOO_LARGE` or
   *   `UNPROCESSABLE` where the call cannot be sent, which does the instance no harm
   */
  invoke(call: Call): Promise<Reply>;
  /**
   * Asks a running call to stop. Its `invoke` settles once the function has really stopped, which
   * may be never: the caller decides how long to wait before it disposes the instance.
   */
  cancel(callId: string): void;
  /**
   * What a call under way has written so far, as far as the node knows; empty for any other. A promise
   * where it has to be fetched, which never rejects.
   */
  output(callId: string): string | Promise<string>;
  /** Resolves, never rejects, as soon as the instance ended without being disposed. */
  readonly terminated: Promise<Termination>;
  /**
   * Reads what the instance wrote to its standard streams and no {@link OutputSink} has received yet; when
   * the instance ends it is.
   *
   * @param lines how many of the last lines
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
  /** Identifier, e.g. the runtime's. */
  readonly id: string;
  /** Memory that one uses at most until it is specialized, MiB. */
  readonly memoryMib: number;
  /** Number of instances to keep ready. */
  readonly count: number;
}

/** Running instance that was started for no function yet. Disposing it removes it. */
export interface GenericInstance extends AsyncDisposable {
  /** Resolves, never rejects, when it can no longer be specialized although nobody disposed it. */
  readonly ended: Promise<unknown>;
  /**
   * Turns it into an instance of a function. Called at most once. If that fails for a reason that is not
   * the function's, an instance is started from scratch instead.
   *
   * @param fn a function of its kind, see {@link ExecutionEnvironment.generic}
   * @throws as {@link ExecutionEnvironment.start}; nothing is left behind
   */
  specialize(fn: FunctionRecord, signal: AbortSignal): Promise<Instance>;
}

/** Execution environment. */
export interface ExecutionEnvironment extends AsyncDisposable {
  /**
   * Prepares what starts of a function need (image, unpacked code): once, shared by concurrent
   * callers.
   *
   * @param options.refresh pull the image even if it is present
   * @throws `ENGINE_UNAVAILABLE`, or `ENGINE_REFUSED` with what to do
   */
  prepare(fn: FunctionRecord, options?: { refresh?: boolean }): Promise<void>;
  /**
   * Starts an instance, which is ready when the promise resolves. Prepares first if needed.
   * Leaves nothing behind if it fails.
   *
   * @throws `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED`, or `INSTANCE_START_FAILED` with what was seen
   */
  start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance>;
  /**
   * Architectures that the function's image is known to run on, e.g. `["amd64"]`; empty if
   * unknown.
   */
  architectures(fn: FunctionRecord): Promise<string[]>;
  /**
   * Removes what a crashed predecessor of the node left behind.
   *
   * @returns how many instances
   */
  sweep(): Promise<number>;
  /**
   * Follows the creation, update or deletion of a function; what helps its next start may be prepared in
   * the background.
   *
   * @param fn undefined if it is gone
   */
  follow?(name: string, fn: FunctionRecord | undefined): void;
  /** Returns the kind of generic instances that can be specialized for a function, if there is one. */
  generic?(fn: FunctionRecord): GenericKind | undefined;
  /**
   * Starts a generic instance.
   *
   * @returns undefined if that is impossible now, for example because the image is not present
   * @throws as {@link ExecutionEnvironment.start}
   */
  startGeneric?(kind: GenericKind, signal: AbortSignal): Promise<GenericInstance | undefined>;
  /** Images that are being pulled. */
  pulls?(): Pull[];
  /** True if instances can be started now, otherwise the reason. */
  available(): Promise<true | string>;
}
