/**
 * The requests that came from other nodes or went there lately: none is taken twice. HTTP clients may
 * repeat a request whose connection broke, and a node that lies about hops could send one round in
 * circles.
 *
 * @module
 */

/** How long a request is remembered, ms: far longer than a repetition takes. */
const memoryMs = 600_000;
/** Most requests remembered; the oldest go first. */
const maxRemembered = 100_000;

/** Ids of requests with the time they came. */
export class SeenRequests {
  readonly #times = new Map<string, number>();

  /**
   * Remembers a request.
   *
   * @param now on the node's clock
   * @returns false if it was seen before
   */
  add(id: string, now: number): boolean {
    for (const [oldest, time] of this.#times) {
      if (now - time < memoryMs && this.#times.size < maxRemembered) break;
      this.#times.delete(oldest);
    }
    if (this.#times.has(id)) return false;
    this.#times.set(id, now);
    return true;
  }

  /** Forgets a request that surely did not start: it may come again, by another way. */
  forget(id: string): void {
    this.#times.delete(id);
  }
}
