/**
 * How long after a drift utility is back.
 *
 * @module
 */

import { meanOf } from "../../../lib/lab/statistics.ts";

/** Share of the target that counts as recovered. */
const share = 0.9;
/** Time over which a utility rate is taken, s: shorter, and chance decides. */
const windowS = 10;
/** Time before the drift over which the former rate is taken, s. */
const beforeS = 100;

/**
 * Time from a drift to the end of the first window in which utility is back.
 *
 * @param perSecond utility by second
 * @param at when the drift is, s
 * @param optimum utility per second that nobody can exceed after it
 * @returns 0 if it was never gone; infinite if it never came back
 */
export function recoveryS(perSecond: readonly number[], at: number, optimum: number): number {
  const former = meanOf(perSecond.slice(Math.max(0, at - beforeS), at));
  const target = share * Math.min(former, optimum);
  for (let from = at; from + windowS <= perSecond.length; from++) {
    if (meanOf(perSecond.slice(from, from + windowS)) < target) continue;
    return from === at ? 0 : from - at + windowS;
  }
  return Infinity;
}
