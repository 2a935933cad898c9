/**
 * What travels with a request that one node sends to another.
 *
 * @module
 */

import type { PageRequest } from "./page.ts";

/** A request's past on other nodes, and what they still allow. */
export interface Hop {
  /** Its id, kept across hops: a node never takes the same one twice. */
  readonly id: string;
  /** Hops that may still be made. */
  readonly hopsLeft: number;
  /** Ids of the nodes that have seen it. */
  readonly visited: readonly string[];
  /** Time left, ms. */
  readonly budgetMs: number;
  /** Area in which the client handed it in. */
  readonly originArea: string;
}

/** Where a request comes from, as far as it is known. */
export interface Origin {
  /** Its past, if another node sent it. */
  readonly hop?: Hop;
  /** Size of the body that it came in, bytes. */
  readonly inputSize?: number;
  /** Memory that is reserved for that body: disposed when the request has its answer. */
  readonly reservation?: Disposable;
  /** The HTTP request that its parameters are made of, if it came over plain HTTP. */
  readonly page?: PageRequest;
}
