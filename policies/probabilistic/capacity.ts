/**
 * How much of the node's memory a plan may count on, learned from what it promised too much.
 *
 * @module
 */

import type { Arrivals } from "../../lib/policy/contract.ts";

/** Least share: a node that loses everything still tries. */
const leastShare = 0.05;
/** Growth of the share after an interval without loss. */
const growth = 1.1;

/**
 * Share of the node's memory for the next plan: shrinks by half of what was lost, grows by a tenth
 * while nothing is (FGCS 2024).
 *
 * @param share of the last plan
 * @param arrivals what happened since
 */
export function adaptShare(share: number, arrivals: readonly Arrivals[]): number {
  const rate = arrivals.reduce((sum, each) => sum + each.rate, 0);
  const lost = arrivals.reduce((sum, each) => sum + each.rate * (each.loss || 0), 0);
  const loss = rate > 0 ? lost / rate : 0;
  return loss > 0 ? Math.max(leastShare, share - share * loss / 2) : Math.min(growth * share, 1);
}
