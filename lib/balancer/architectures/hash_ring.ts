/**
 * Consistent hashing (Karger et al., STOC 1997): nodes and keys are points on a ring, and a key
 * belongs to the first node at or after its own point, so that a node that joins or leaves moves only its
 * share of the keys.
 *
 * @module
 */

import { hash32 } from "./hash.ts";

/** Points are kept as `hash * ownerLimit + owner`, which sorts by hash, then owner. */
const ownerLimit = 2 ** 20;

/** A ring of nodes; it never changes. Balancers with the same nodes have the same ring. */
export class HashRing {
  readonly #ids: readonly string[];
  readonly #points: Float64Array;

  /**
   * @param ids the nodes, in any order
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

  /** How many nodes there are. */
  get size(): number {
    return this.#ids.length;
  }

  /**
   * All nodes in the order in which a key would have them, each once.
   *
   * @param key whose point the walk begins at
   */
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

  /** Index of the first point at or after a hash; that after the last point is the first. */
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
