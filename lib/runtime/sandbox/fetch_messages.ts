/**
 * Messages with which a sandbox of a function with `Network: "bridge"` makes its node send a request to
 * another machine.
 *
 * @module
 */

/** Maximum number of concurrent requests of one sandbox. */
export const maxFetches = 16;
/** Maximum size of the body of a request, and of a response, bytes. */
export const maxFetchBytes = 16 << 20;

/** Request. The sandbox follows redirects itself. */
export interface FetchRequest {
  /** Number that identifies the request. */
  readonly seq: number;
  /** Absolute URL. */
  readonly url: string;
  /** HTTP method. */
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Body in base64; null for none. */
  readonly body: string | null;
}

/** Response of the node. */
export type FetchResponse =
  | {
    /** Number of the request. */
    readonly fetched: number;
    /** Status code. */
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    /** Body in base64. */
    readonly body: string;
  }
  | {
    /** Number of the request. */
    readonly fetched: number;
    /** Reason why there is no response. */
    readonly problem: string;
  };
