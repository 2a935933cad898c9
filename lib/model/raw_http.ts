/**
 * Raw HTTP requests to functions and their responses, in the form in which nodes forward them.
 *
 * @module
 */

import type { Params } from "./params.ts";

/** Header: name in lower case, and value. */
type Header = readonly [name: string, value: string];

/** Raw HTTP request, without headers of its connection. */
export interface RawHttpRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path and query, unchanged; they begin with `/fn/` and the function's name. */
  readonly target: string;
  readonly headers: readonly Header[];
  /** Whole body; a function that cannot run on one node may still run on another. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Makes the HTTP event that the function receives, in slices; absent for a short body. */
  readonly event?: () => Promise<Params>;
}

/** Response of a function that ran on another node or streams its response. */
export interface RawHttpResponse {
  readonly status: number;
  /** Headers, without those of its connection. */
  readonly headers: readonly Header[];
  /** Body; a large one is a stream, which must be read to its end or cancelled. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}
