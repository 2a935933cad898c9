/**
 * The contract of a scheduling policy: what it is told and what it may decide. A policy decides;
 * the scheduler carries it out.
 *
 * @module
 */

/** What to do with one request. */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "wait" }
  | { readonly kind: "reject"; readonly code: "NODE_SATURATED" | "NO_SUITABLE_NODE" };

/** What a policy knows of a request. */
export interface RequestFacts {
  /** Name of the function. */
  readonly functionName: string;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores; 0 if not accounted. */
  readonly cpu: number;
  /** QoS class, by id or name. */
  readonly qosClass: number | string;
  /** Time left until the answer is useless, ms. */
  readonly budgetMs: number;
}

/** What a policy knows of its node, at the moment of deciding. */
export interface NodeView {
  /** False if no runtime or image of the function works on this node's architecture. */
  readonly supported: boolean;
  /** True if a ready instance can take the request now. */
  readonly warm: boolean;
  /** True if an instance could be started now, idle instances of others evicted if need be. */
  readonly canStart: boolean;
  /** Requests that wait for resources, of all functions, this one not counted. */
  readonly queueLength: number;
  /** Most requests that may wait. */
  readonly queueCapacity: number;
}

/** A scheduling policy. */
export interface Policy {
  /** Its name in the configuration. */
  readonly name: string;
  /**
   * Asked on arrival, and again for waiting requests when resources come free. Pure, synchronous.
   *
   * @param request what is asked for
   * @param view the node as it is now; valid only during the call
   */
  decide(request: RequestFacts, view: NodeView): Decision;
}
