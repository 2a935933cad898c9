/**
 * Chance that can be repeated.
 *
 * @module
 */

/**
 * A generator of pseudo-random numbers (mulberry32), uniform in [0, 1).
 *
 * @param seed the same seed makes the same numbers
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
