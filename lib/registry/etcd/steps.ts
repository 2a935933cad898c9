/**
 * Steps that wait for the network, many at a time.
 *
 * @module
 */

import { Semaphore } from "../../base/async.ts";

/**
 * Takes a step for each item, some at a time. After an error no further step is begun.
 *
 * @param limit how many at a time
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
