/**
 * Metadata of a request that one node forwards to another.
 *
 * @module
 */

import type { RawHttpRequest } from "./raw_http.ts";

/** Maximum number of functions that wait for each other. */
export const maxCallers = 8;

/** History of a forwarded request, and its remaining limits. */
export interface Hop {
  /** Id of the request, kept across hops; a node never accepts an id twice. */
  readonly id: string;
  /** Number of remaining hops. */
  readonly hopsLeft: number;
  /** Ids of the nodes that have received the request. */
  readonly visited: readonly string[];
  /** Time left, ms. */
  readonly budgetMs: number;
  /** Area in which the client sent the request. */
  readonly originArea: string;
  /** Names of the functions that wait for its result, the outermost first. */
  readonly callers?: readonly string[];
}

/** Origin of a request, as far as it is known. */
export interface Origin {
  /** History of the request if another node forwarded it. */
  readonly hop?: Hop;
  /** Id of the client's key; absent or empty without one. */
  readonly keyId?: string;
  /**
   * Names of the functions that wait for its result, if a function has sent it: the first is that which a
   * client invoked, and each of the others was invoked by the one before it.
   */
  readonly callers?: readonly string[];
  /** Size of the request body, bytes. */
  readonly inputSize?: number;
  /** Memory reservation of that body, disposed after the response. */
  readonly reservation?: Disposable;
  /** The raw HTTP request that the parameters are made from, if it came over plain HTTP. */
  readonly httpRequest?: RawHttpRequest;
}
