/**
 * Differences between the clocks of nodes that sign what they send each other.
 *
 * @module
 */

/** Largest accepted difference between the clocks of two nodes with signed messages, ms. */
export const maxClockSkewMs = 30_000;

/**
 * Describes a clock difference that is too large.
 *
 * @param aheadMs the clock of one node minus that of the other, ms
 * @param one whose clock it is, in words that begin the sentence
 * @param other whose clock it is compared with
 * @returns undefined if the difference is accepted
 */
export function clockSkewProblem(aheadMs: number, one: string, other: string): string | undefined {
  if (Math.abs(aheadMs) <= maxClockSkewMs) return undefined;
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `${one} is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} ${other}, but ` +
    `signed messages allow only ${maxClockSkewMs / 1000} s: synchronize both clocks (NTP)`;
}
