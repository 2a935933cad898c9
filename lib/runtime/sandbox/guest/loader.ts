/**
 * Interfaces of loaders, which turn the description of a function into a callable. There is one loader for
 * each executor kind.
 *
 * @module
 */

import type { JsonObject } from "../../../json/json.ts";
import type { Reply } from "../../environment.ts";
import type { CallOutput } from "./output.ts";
import type { SandboxSpec } from "../spec.ts";
import type { BeginAnswer } from "./reply_stream.ts";

/** Facts about an invocation that a function receives. */
export interface InvocationContext {
  readonly functionName: string;
  readonly requestId: string;
  /** Deadline of the invocation, ms since 1970. */
  readonly deadlineMs: number;
  /** Memory of the instance, MiB. */
  readonly memoryLimitMib: number;
  readonly area: string;
  /** Id of the node. */
  readonly node: string;
  /** Signal that is aborted when the deadline passes or the client disconnects. */
  readonly signal: AbortSignal;
  /** Returns the time until the deadline, ms. */
  remainingMs(): number;
  /**
   * Invokes another function, and resolves with its result. Rejects with an error whose `code` is one of the
   * node's error codes.
   *
   * @param params JSON object; by default none
   */
  invoke(name: string, params?: unknown): Promise<unknown>;
}

/**
 * Loaded function. Its return value or resolution is its result, which is sent as JSON; a {@link JsonText} is
 * sent unchanged. A thrown value or rejection is its failure. Text that it writes to `console` while it runs
 * is its output.
 *
 * @param params of the call
 * @param context of the call
 * @param begin begins a streamed response; undefined if the client accepts none. Not passed to the function's
 *   own code
 */
export type Handler = (
  params: JsonObject | null,
  context: InvocationContext,
  begin?: BeginAnswer,
) => unknown;

/** Call in the form that an {@link Answerer} receives. */
export interface RawCall {
  readonly id: string;
  /** JSON of the params, with all digits of its numbers. */
  readonly params: string;
  /** Maximum execution time, ms. */
  readonly timeoutMs: number;
}

/**
 * Function that creates its own replies, including those for failures. It runs one call at a time.
 *
 * @param call to run
 * @param output receives the function's output
 */
export type Answerer = (call: RawCall, output: CallOutput) => Reply;

/** Function that a loader has loaded. */
export type GuestFunction = { readonly handler: Handler } | { readonly answer: Answerer };

/**
 * Loads a function in two steps. The first step runs with all permissions of the process and must access only
 * files of `spec.folder`. It returns the second step, which runs after every permission is revoked and the
 * dangerous globals are removed. The second step may run the function's own code.
 *
 * @param collect collects garbage synchronously
 */
export type Loader = (
  spec: SandboxSpec,
  collect: () => void,
) => Promise<() => Promise<GuestFunction>>;

/** Result that is already JSON. */
export class JsonText {
  /**
   * Wraps a result.
   *
   * @param text valid JSON
   */
  constructor(readonly text: string) {}
}
