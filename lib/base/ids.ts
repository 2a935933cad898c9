/**
 * Unguessable identifiers.
 *
 * @module
 */

/**
 * A random identifier of lower-case hexadecimal digits, from the system's secure source.
 *
 * @param length how many digits, up to 32, which carry 122 random bits
 */
export function randomId(length = 32): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, length);
}
