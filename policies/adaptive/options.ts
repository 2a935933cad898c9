/**
 * What may be done with a request, and what each is worth.
 *
 * @module
 */

import type { Decision, PeerView } from "../../lib/policy/contract.ts";

/** One thing that may be done. */
export interface Option {
  /** For people: `here warm`, `here by a start`, `here in line`, or the other node's name. */
  readonly name: string;
  /** What to decide. */
  readonly decision: Decision;
  /** The other node, if it leaves. */
  readonly peer: PeerView | undefined;
  /** Probability of an answer in time. */
  readonly inTime: number;
  /** Probability that it is run there before it is too late. */
  readonly runs: number;
  /** Probability that the place takes it. */
  readonly taken: number;
  /** Expected utility, what it costs others and the budget not counted. */
  readonly worth: number;
  /** What it costs others and the budget, in utility. */
  readonly price: number;
  /** What there is to choose by: worth less price. */
  score: number;
  /** Money that it costs. */
  readonly cost: number;
}

/**
 * The best of some options; the first of equals.
 *
 * @returns undefined if there is none
 */
export function bestOf(options: readonly Option[]): Option | undefined {
  let best: Option | undefined;
  for (const option of options) if (!best || option.score > best.score) best = option;
  return best;
}
