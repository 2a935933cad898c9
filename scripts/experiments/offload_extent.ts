/**
 * What experiment `offload` covers: policies, delays, numbers of users, sizes, and one point of its result.
 *
 * @module
 */

import { type LoadClass, measuredSizes, type Sizes } from "../continuum/model.ts";
import { knownPolicies } from "../continuum/users.ts";
import type { Context } from "./experiment.ts";
import type { Timing } from "./measure.ts";

/** Policies that are compared. */
export const policies: readonly string[] = knownPolicies([
  "edgeonly",
  "cloudonly",
  "edgecloud",
  "default",
  "qosaware",
  "probabilistic",
  "adaptive",
]);
/** What is measured, and on how large a continuum. */
export interface Extent {
  /** Delays between edge and cloud, one way, ms. */
  readonly delaysMs: readonly number[];
  /** Users, rising: under one policy the nodes go through all of them. */
  readonly users: readonly number[];
  /** How much each node can run at once. */
  readonly sizes: Omit<Sizes, "cloudDelayMs">;
  /** How long each point is measured. */
  readonly timing: Timing;
}

const full: Extent = {
  delaysMs: [10, 50, 100],
  users: [1, 20, 40, 60, 90, 130],
  sizes: measuredSizes,
  timing: { warmUpS: 4, windowS: 4, windows: 3 },
};
const quick: Extent = {
  delaysMs: [50],
  users: [5, 65],
  sizes: { edgeInstances: 2, cloudInstances: 4 },
  timing: { warmUpS: 0.5, windowS: 0.6, windows: 3 },
};

/** What one class got at one point, over all windows. */
export interface OffloadPoint {
  /** Delay between edge and cloud, one way, ms. */
  readonly delayMs: number;
  /** Policy of the edge nodes. */
  readonly policy: string;
  /** How many users. */
  readonly users: number;
  /** Whose requests. */
  readonly class: LoadClass;
  /** Requests per second that were due. */
  readonly offered: number;
  /** Good answers per second. */
  readonly servedAll: number;
  /** Mean response time of these, ms; undefined if there was none. */
  readonly meanAllMs: number | undefined;
}

/** What a run measures. */
export function extentOf({ quick: isQuick }: Pick<Context, "quick">): Extent {
  return isQuick ? quick : full;
}
