/**
 * Unguessable identifiers.
 *
 * @module
 */

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * A random identifier of lower-case letters and digits, from the system's secure source.
 *
 * @param length how many characters; 22 carry about 113 bits
 */
export function randomId(length = 22): string {
  let id = "";
  while (id.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
      // 252 = 7 * 36: larger bytes would make the first letters likelier.
      if (byte < 252 && id.length < length) id += alphabet[byte % 36];
    }
  }
  return id;
}
