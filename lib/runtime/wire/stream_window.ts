/**
 * Flow control of streamed responses from an executor to its node. Both ends of the channel count the
 * parts in the same way.
 *
 * @module
 */

/** Maximum sum of the {@link partCost} of parts that are sent and not yet read from the response body. */
export const streamWindow = 512 << 10;
/** Maximum bytes of one part. */
export const maxPartBytes = 64 << 10;
/** Minimum cost of a part, bytes: every part takes memory, however short it is. */
const minPartCost = 1 << 10;

/** Returns the cost of a part in the window, bytes. */
export function partCost(length: number): number {
  return Math.max(length, minPartCost);
}
