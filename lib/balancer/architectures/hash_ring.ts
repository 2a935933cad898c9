/**
 * Consistent hashing (Karger et al., STOC 1997): nodes and keys are points on a ring, and a key
 * belongs to the first node at or after its own point, so that a joining or leaving node moves only
 * its share of the keys.
 *
 * @module
 */

import { hash32 } from "./hash.ts";

/** Points are stored as `hash * ownerLimit + owner`, which sorts by hash, then owner. */
const ownerLimit = 2 ** 20;

/** An immutable ring of nodes; balancers with the same nodes have the same ring. */
export class HashRing {
  readonly #ids: readonly string[];
  readonly #points: Float64Array;

  /**
   * Places the nodes on a ring; duplicate ids count once.
   *
   * @param ids in any order
   * @param replicas points of each node; more make shares more even
   */
  constructor(ids: Iterable<string>, replicas: number) {
    this.#ids = [...new Set(ids)].sort();
    this.#points = new Float64Array(this.#ids.length * replicas);
    this.#ids.forEach((id, owner) => {
      for (let replica = 0; replica < replicas; replica++) {
        this.#points[owner * replicas + replica] = hash32(`${id}#${replica}`) * ownerLimit + owner;
      }
    });
    this.#points.sort();
  }

  /** Number of nodes. */
  get size(): number {
    return this.#ids.length;
  }

  /** All nodes in the order of preference for a key, each once. */
  *walk(key: string): Generator<string, void> {
    const seen = new Set<number>();
    const begin = this.#firstAt(hash32(key));
    const count = this.#points.length;
    for (let step = 0; step < count && seen.size < this.#ids.length; step++) {
      const owner = this.#points[(begin + step) % count]! % ownerLimit;
      if (seen.has(owner)) continue;
      seen.add(owner);
      yield this.#ids[owner]!;
    }
  }

  /** Index of the first point at or after a hash, wrapping around. */
  #firstAt(hash: number): number {
    const wanted = hash * ownerLimit;
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#points[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
