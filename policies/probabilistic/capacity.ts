/**
 * Share of the node's memory that a plan may use, adapted to the loss of earlier plans.
 *
 * @module
 */

import type { Arrivals } from "../../lib/policy/contract.ts";

/** Least share, so that a node that loses everything still tries. */
const leastShare = 0.05;
/** Growth of the share after an interval without loss. */
const growth = 1.1;

/**
 * Returns the share for the next plan: it shrinks by half the loss, and grows by a tenth without loss
 * (FGCS 2024).
 *
 * @param share share of the last plan
 * @param arrivals arrivals since then
 */
export function adaptShare(share: number, arrivals: readonly Arrivals[]): number {
  const rate = arrivals.reduce((sum, each) => sum + each.rate, 0);
  const lost = arrivals.reduce((sum, each) => sum + each.rate * (each.loss || 0), 0);
  const loss = rate > 0 ? lost / rate : 0;
  return loss > 0 ? Math.max(leastShare, share - share * loss / 2) : Math.min(growth * share, 1);
}
