/**
 * Bloom filter (Bloom 1970) of names, of functions with idle instances or of images: as large for a
 * thousand names as for one, with false positives only.
 *
 * @module
 */

/** Bits that a name sets. */
const hashes = 4;

/** FNV-1a, 32 bits, of UTF-16 units. */
function hash(text: string, seed: number): number {
  let state = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) {
    state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  }
  // FNV's low bits mix badly; the final steps are those of MurmurHash3.
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return (state ^ (state >>> 13)) >>> 0;
}

/** Indices of a name's bits, by double hashing (Kirsch and Mitzenmacher 2006). */
function* bitsOf(name: string, bytes: number): Generator<number> {
  const [first, step] = [hash(name, 0), hash(name, 0x9e3779b9) | 1];
  for (let i = 0; i < hashes; i++) yield ((first + i * step) >>> 0) % (bytes * 8);
}

/**
 * Creates a filter.
 *
 * @param bytes size of the filter
 */
export function nameFilter(names: Iterable<string>, bytes: number): Uint8Array {
  const filter = new Uint8Array(bytes);
  for (const name of names) {
    for (const bit of bitsOf(name, bytes)) filter[bit >> 3]! |= 1 << (bit & 7);
  }
  return filter;
}

/**
 * Checks whether a name may be in a filter.
 *
 * @returns false only if it is not
 */
export function mayContain(filter: Uint8Array, name: string): boolean {
  for (const bit of bitsOf(name, filter.length)) {
    if ((filter[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}
