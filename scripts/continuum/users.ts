/**
 * The load on a measured continuum: users of two classes who know nothing of each other.
 *
 * @module
 */

import { classes, functionName } from "./model.ts";
import type { Scenario, ScenarioRequest } from "../../lib/lab/load/scenario.ts";
import { policyNames } from "../../lib/model/policy_names.ts";

/** Requests per second of one user, on average. */
export const userRate = 2;

/** Shares of the two edge nodes. */
export const entryShares: readonly [number, number] = [0.6, 0.4];

/** A node that users send their requests to. */
export interface Entry {
  /** Its URL. */
  readonly url: string;
  /** Its share of the users. */
  readonly share: number;
}

/**
 * Policies that the program has, of those that are compared.
 *
 * @param wanted names in the order in which they are shown
 */
export function knownPolicies(wanted: readonly string[]): string[] {
  return wanted.filter((name) => policyNames.some((known) => known === name));
}

/**
 * The entries that are used: one node gets more than the other, so that it needs it.
 *
 * @param nodes two edge nodes
 */
export function entriesOf(nodes: readonly { readonly url: string }[]): Entry[] {
  return nodes.map(({ url }, at) => ({ url, share: entryShares[at]! }));
}

/**
 * The load of some users: a Poisson process, since they are many and independent, spread over the
 * entries and classes by their shares.
 *
 * @param users how many
 * @param entries nodes that they use
 */
export function loadOf(users: number, entries: readonly Entry[]): Scenario {
  const mix = entries.flatMap(({ url, share }) =>
    classes.map((one): ScenarioRequest => ({
      function: functionName,
      node: url,
      class: one.id,
      weight: share * one.share,
      ...(one.limit > 0 && { limit: one.limit }),
    }))
  );
  return { arrivals: "poisson", rate: users * userRate, mix };
}
