/**
 * Requests to functions over plain HTTP, and their answers, as nodes pass them on to each other.
 *
 * @module
 */

import type { Params } from "./params.ts";

/** Name in lower case and value of a header. */
type Header = readonly [name: string, value: string];

/** A request as it came, without what concerned its connection only. */
export interface PageRequest {
  /** Verb. */
  readonly method: string;
  /** Path and query, as they were sent; begins with `/fn/` and the function's name. */
  readonly target: string;
  readonly headers: readonly Header[];
  /** Body, whole: a function that cannot run on one node may still run on another. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Makes what the function gets of it, in slices; left out where the body is short. */
  readonly event?: () => Promise<Params>;
}

/** The answer of a function that ran on another node, or streams it. */
export interface PageAnswer {
  readonly status: number;
  /** Headers, without what concerned its connection only. */
  readonly headers: readonly Header[];
  /** Body; a stream, if it is large, must be read to its end or cancelled. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}
