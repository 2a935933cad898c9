/**
 * Numbers with their nouns.
 *
 * @module
 */

/**
 * Returns a number with its noun, which gets an `s` unless the number is 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(quantity(1, "result"), "1 result");
 * assert.equal(quantity(0, "result"), "0 results");
 * ```
 */
export function quantity(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
