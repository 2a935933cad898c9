/**
 * Options for a request, with their utility and price.
 *
 * @module
 */

import type { Decision, PeerView } from "../../lib/policy/contract.ts";

/** One option for a request. */
export interface Option {
  /** For people: `warm here`, `start here`, `queue here`, or the other node's id. */
  readonly name: string;
  readonly decision: Decision;
  /** The other node, if the option is an offload. */
  readonly peer: PeerView | undefined;
  /** Probability of a response within the limit. */
  readonly inTime: number;
  /** Probability that the request is executed before its deadline. */
  readonly runProbability: number;
  /** Probability that the node accepts it. */
  readonly acceptance: number;
  /** Expected utility before the price. */
  readonly utility: number;
  /** Shadow price of the resources and the budget that it takes, in utility. */
  readonly price: number;
  /** Utility minus price. */
  score: number;
  /** Cost in the cloud; 0 elsewhere. */
  readonly cost: number;
}

/**
 * Returns the option of highest score, the first of equals.
 *
 * @returns undefined if there are no options
 */
export function bestOf(options: readonly Option[]): Option | undefined {
  let best: Option | undefined;
  for (const option of options) if (!best || option.score > best.score) best = option;
  return best;
}
