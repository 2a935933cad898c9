/**
 * What a sandbox may ask of its node: to fetch something from another machine, for a function with
 * `Network: "bridge"`.
 *
 * @module
 */

/** Most requests that the node carries out for one sandbox at a time. */
export const maxFetches = 16;
/** Most bytes of the body of a request, and of an answer. */
export const maxFetchBytes = 16 << 20;

/** One request; redirects are the sandbox's to follow. */
export interface FetchAsk {
  /** Tells it from others of the sandbox. */
  readonly seq: number;
  /** Absolute. */
  readonly url: string;
  /** Verb. */
  readonly method: string;
  /** Names and values. */
  readonly headers: readonly (readonly [string, string])[];
  /** Base64; null for none. */
  readonly body: string | null;
}

/** What the node answers. */
export type FetchAnswer =
  | {
    /** The request's. */
    readonly fetched: number;
    /** Status code. */
    readonly status: number;
    /** Names and values. */
    readonly headers: readonly (readonly [string, string])[];
    /** Base64. */
    readonly body: string;
  }
  | {
    /** The request's. */
    readonly fetched: number;
    /** Why there is no answer. */
    readonly problem: string;
  };
