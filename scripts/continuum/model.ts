/**
 * What a measured continuum is like: its function, its classes, its sizes.
 *
 * @module
 */

/** Name of the function that all requests are for. */
export const functionName = "nap";
/** How long it sleeps, s: it takes time but no CPU, so that a small machine can play several. */
export const napSeconds = 0.1;
/** Memory of one instance, MiB. */
export const instanceMib = 64;
/** How many requests may wait on a node. */
export const queueCapacity = 100;

/** A class of service. */
export interface LoadClass {
  /** Its name in the configuration. */
  readonly name: string;
  /** Its number. */
  readonly id: number;
  /** Response-time limit, s; 0: none. */
  readonly limit: number;
  /** Its weight against the other. */
  readonly weight: number;
  /** Its share of the requests, 0 to 1. */
  readonly share: number;
}

/** The two classes. */
export const classes: readonly LoadClass[] = [
  { name: "sensitive", id: 1, limit: 0.5, weight: 4, share: 0.4 },
  { name: "besteffort", id: 0, limit: 0, weight: 1, share: 0.6 },
];

/** Sizes of the continuum. */
export interface Sizes {
  /** Instances that each of the two edge nodes has memory for. */
  readonly edgeInstances: number;
  /** Instances that each of the two cloud nodes has memory for. */
  readonly cloudInstances: number;
  /** Time that a request takes from the edge to the cloud, and its answer back, each, ms. */
  readonly cloudDelayMs: number;
}

/** The sizes that experiments and benchmarks measure. */
export const measuredSizes: Sizes = { edgeInstances: 4, cloudInstances: 8, cloudDelayMs: 20 };

/** Requests per second that the edge zone can serve. */
export function edgeCapacity({ edgeInstances }: Sizes): number {
  return 2 * edgeInstances / napSeconds;
}
