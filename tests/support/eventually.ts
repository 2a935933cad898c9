/**
 * Waiting for a condition, with a bound.
 *
 * @module
 */

import assert from "node:assert/strict";

/** How often the condition is looked at, ms. */
const stepMs = 20;

/**
 * Waits until a condition holds.
 *
 * @param what the condition, for the error
 * @param holds looked at again and again
 * @param boundMs how long to wait at most; an end for a hopeless wait, not a measurement
 * @throws if it does not hold in time
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  boundMs = 30_000,
): Promise<void> {
  const end = performance.now() + boundMs;
  while (!await holds()) {
    if (performance.now() > end) assert.fail(`After ${boundMs} ms it is still not true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}
