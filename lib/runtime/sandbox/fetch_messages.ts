/**
 * Messages by which a sandbox asks its node for a request to another machine, for a function with
 * `Network: "bridge"`.
 *
 * @module
 */

/** Maximum number of concurrent requests of one sandbox. */
export const maxFetches = 16;
/** Maximum bytes of the body of a request, and of a response. */
export const maxFetchBytes = 16 << 20;

/** Request; the sandbox follows redirects itself. */
export interface FetchRequest {
  /** Number that identifies it. */
  readonly seq: number;
  /** Absolute. */
  readonly url: string;
  /** Verb. */
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Base64; null for none. */
  readonly body: string | null;
}

/** Response of the node. */
export type FetchResponse =
  | {
    /** The request's. */
    readonly fetched: number;
    /** Status code. */
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    /** Base64. */
    readonly body: string;
  }
  | {
    /** The request's. */
    readonly fetched: number;
    /** Why there is no response. */
    readonly problem: string;
  };
