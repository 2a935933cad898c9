/**
 * Probability of a response within its limit (Russo Russo et al., FGCS 2024).
 *
 * @module
 */

import type { Estimates } from "../../lib/policy/contract.ts";

/**
 * Returns the probability of a response within its limit for exponential service times and a mixture of
 * cold and warm starts.
 *
 * @param limitMs response-time limit, ms; may be infinite
 * @param estimates estimates of the place, none of them NaN
 * @param networkMs round trip and transfer, ms
 */
export function probabilityInTime(
  limitMs: number,
  estimates: Estimates,
  networkMs: number,
): number {
  const { executionMs, startMs, coldShare } = estimates;
  const warm = withinMs(limitMs - networkMs, executionMs);
  const cold = withinMs(limitMs - networkMs - startMs, executionMs);
  return coldShare * cold + (1 - coldShare) * warm;
}

/** Distribution function of the exponential distribution. */
function withinMs(leftMs: number, meanMs: number): number {
  if (leftMs <= 0) return 0;
  return meanMs > 0 ? 1 - Math.exp(-leftMs / meanMs) : 1;
}
