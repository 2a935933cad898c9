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
  const uuid = crypto.randomUUID();
  // Every invocation has one: cutting at known places takes half the time of a search for hyphens.
  const digits = uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) +
    uuid.slice(24);
  return digits.slice(0, length);
}
