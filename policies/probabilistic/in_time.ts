/**
 * The probability of an answer within its limit (Russo Russo et al., FGCS 2024).
 *
 * @module
 */

import type { Estimates } from "../../lib/policy/contract.ts";

/**
 * Probability that an answer comes within its limit, service times being exponential: a mixture of
 * cold and warm starts.
 *
 * @param limitMs response-time limit, ms; may be infinite
 * @param estimates of the place, nothing of them NaN
 * @param wayMs round trip and transfer, ms
 */
export function probabilityInTime(limitMs: number, estimates: Estimates, wayMs: number): number {
  const { executionMs, startMs, coldShare } = estimates;
  const warm = withinMs(limitMs - wayMs, executionMs);
  const cold = withinMs(limitMs - wayMs - startMs, executionMs);
  return coldShare * cold + (1 - coldShare) * warm;
}

/** Distribution function of the exponential distribution. */
function withinMs(leftMs: number, meanMs: number): number {
  if (leftMs <= 0) return 0;
  return meanMs > 0 ? 1 - Math.exp(-leftMs / meanMs) : 1;
}
