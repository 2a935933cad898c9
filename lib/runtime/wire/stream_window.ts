/**
 * How much of a streamed answer may be on its way from an executor to its node: what both ends of
 * the channel count alike.
 *
 * @module
 */

/** Most that is sent and not taken by whoever reads the answer, by {@link partCost}. */
export const streamWindow = 512 << 10;
/** Most bytes of one part. */
export const maxPartBytes = 64 << 10;
/** What a part counts at least: each takes memory, however short it is. */
const minPartCost = 1 << 10;

/** What a part counts. */
export function partCost(length: number): number {
  return Math.max(length, minPartCost);
}
