/**
 * Utilities for arrays of bytes.
 *
 * @module
 */

/**
 * Concatenates arrays of bytes.
 *
 * @param parts arrays in their order
 * @returns a copy
 */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
