/**
 * Recently seen ids of requests from and to other nodes, none of which is accepted twice. HTTP clients
 * may repeat a request whose connection broke, and a faulty node could forward one in circles.
 *
 * @module
 */

/** Minimum time for which an id is remembered, ms; the maximum is twice as long. */
const memoryMs = 600_000;
/** Maximum number of remembered ids; the older half is dropped at once. */
const maxRemembered = 200_000;

/**
 * Request ids in two generations; the older one is dropped as a whole. Removing the oldest ids one
 * by one would make each look-up of the next oldest skip the deleted ones.
 */
export class SeenRequests {
  #recent = new Set<string>();
  #older = new Set<string>();
  #since = -Infinity;

  /**
   * Remembers a request.
   *
   * @param now time on the node's clock, ms
   * @returns false if the request was seen before
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

  /** Forgets a request that did not start: it may arrive again, through another balancer. */
  forget(id: string): void {
    this.#recent.delete(id);
    this.#older.delete(id);
  }
}
