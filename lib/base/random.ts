/**
 * Reproducible pseudo-random numbers.
 *
 * @module
 */

/**
 * Creates a generator of pseudo-random numbers (mulberry32), uniform in [0, 1).
 *
 * @param seed seed; the same seed yields the same numbers
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

/**
 * Derives the seed of one of several independent streams. The same seed and label yield the same result.
 *
 * @param label identifies the stream
 */
export function seedOf(seed: number, label: string): number {
  // FNV-1a, 32 bits; the last lines are the finalizer of MurmurHash3.
  let state = 0x811c9dc5 ^ Math.imul(seed | 0, 0x9e3779b1);
  for (let i = 0; i < label.length; i++) state = Math.imul(state ^ label.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
