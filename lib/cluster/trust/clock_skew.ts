/**
 * Differences between the clocks of nodes that sign what they send each other.
 *
 * @module
 */

/** Largest accepted difference between the clocks of two nodes with signed messages, ms. */
export const maxClockSkewMs = 30_000;

/**
 * Describes a clock difference that is too large, in words that follow the name of the other node.
 *
 * @param aheadMs the other's clock minus this node's, ms
 * @returns undefined if it is accepted
 */
export function clockSkewProblem(aheadMs: number): string | undefined {
  if (Math.abs(aheadMs) <= maxClockSkewMs) return undefined;
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `its clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this node's, but ` +
    `signed messages allow only ${maxClockSkewMs / 1000} s: synchronize both clocks (NTP)`;
}
