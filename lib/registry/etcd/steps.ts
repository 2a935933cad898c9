/**
 * Runs steps that wait for the network concurrently.
 *
 * @module
 */

import { Semaphore } from "../../base/async.ts";

/**
 * Runs a step for each item, up to a limit at a time. After an error no further step starts.
 *
 * @param limit maximum number of concurrent steps
 * @throws the first error
 */
export async function forEach<T>(
  items: readonly T[],
  limit: number,
  step: (item: T) => Promise<void>,
): Promise<void> {
  const turns = new Semaphore(limit);
  const failed = new AbortController();
  await Promise.all(items.map(async (item) => {
    using _turn = await turns.acquire(failed.signal);
    try {
      await step(item);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }));
}
