/**
 * The requests that came from other nodes or went there lately: none is taken twice. HTTP clients may
 * repeat a request whose connection broke, and a node that lies about hops could send one round in
 * circles.
 *
 * @module
 */

/** How long a request is remembered at least, ms, twice that at most: far longer than a repetition takes. */
const memoryMs = 600_000;
/** Most requests remembered; the older half goes at once. */
const maxRemembered = 200_000;

/**
 * Ids of requests, in two generations: the older is dropped as a whole. Taking the oldest out one by
 * one would make each look-up for the next oldest pass the places of those that are gone.
 */
export class SeenRequests {
  #recent = new Set<string>();
  #older = new Set<string>();
  #since = -Infinity;

  /**
   * Remembers a request.
   *
   * @param now on the node's clock
   * @returns false if it was seen before
   */
  add(id: string, now: number): boolean {
    if (now - this.#since >= memoryMs || this.#recent.size >= maxRemembered / 2) {
      this.#older = now - this.#since >= 2 * memoryMs ? new Set() : this.#recent;
      this.#recent = new Set();
      this.#since = now;
    }
    if (this.#recent.has(id) || this.#older.has(id)) return false;
    this.#recent.add(id);
    return true;
  }

  /** Forgets a request that surely did not start: it may come again, by another way. */
  forget(id: string): void {
    this.#recent.delete(id);
    this.#older.delete(id);
  }
}
