/**
 * How a sandbox gets from the description of a function to something that can be called: one
 * loader for each executor kind.
 *
 * @module
 */

import type { JsonObject } from "../../../json/json.ts";
import type { Reply } from "../../environment.ts";
import type { CallOutput } from "./output.ts";
import type { SandboxSpec } from "../spec.ts";
import type { BeginAnswer } from "./reply_stream.ts";

/** What a function learns of its invocation. */
export interface InvocationContext {
  readonly functionName: string;
  readonly requestId: string;
  /** When the invocation is given up, ms since 1970. */
  readonly deadlineMs: number;
  /** Memory of the instance, MiB. */
  readonly memoryLimitMib: number;
  readonly area: string;
  /** Id of the node. */
  readonly node: string;
  /** Aborted when the deadline passes or the caller leaves. */
  readonly signal: AbortSignal;
  /** Time until the invocation is given up, ms. */
  remainingMs(): number;
}

/**
 * A loaded function. What it returns or resolves to is its result, which is sent as JSON, a
 * {@link JsonText} as it is; what it throws or rejects with is its failure. What it writes to
 * `console` while it runs is its output.
 *
 * @param params of the call
 * @param context of the call
 * @param begin begins an answer in parts, where the caller takes one; not for the function's own code
 */
export type Handler = (
  params: JsonObject | null,
  context: InvocationContext,
  begin?: BeginAnswer,
) => unknown;

/** A call as a function gets it that answers by itself. */
export interface RawCall {
  readonly id: string;
  /** JSON of the params, with all digits of its numbers. */
  readonly params: string;
  /** Time it may take, ms. */
  readonly timeoutMs: number;
}

/**
 * A function that answers by itself, failures too; one call at a time.
 *
 * @param call what it gets
 * @param output takes what it writes
 */
export type Answerer = (call: RawCall, output: CallOutput) => Reply;

/** What a loader makes of a function's code. */
export type GuestFunction = { readonly handler: Handler } | { readonly answer: Answerer };

/**
 * Loads a function in two steps. The first runs with all permissions of the process and must touch
 * nothing but files of `spec.folder`; what it returns is called when every permission is given
 * up and the dangerous globals are gone, and may run the function's own code.
 *
 * @param collect collects garbage at once
 */
export type Loader = (
  spec: SandboxSpec,
  collect: () => void,
) => Promise<() => Promise<GuestFunction>>;

/** A result that is JSON already. */
export class JsonText {
  /** @param text valid JSON */
  constructor(readonly text: string) {}
}
