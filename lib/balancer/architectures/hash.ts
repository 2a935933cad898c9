/**
 * Hash function for the positions of nodes and functions on the ring.
 *
 * @module
 */

/**
 * Computes a 32-bit hash in which every bit depends on every character: FNV-1a, which alone keeps
 * similar texts such as `node-1#7` and `node-1#8` close together, with the finalizer of
 * MurmurHash3.
 *
 * @param text hashed by its UTF-16 code units, so that all balancers agree
 * @returns 0 to 2^32 - 1
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
