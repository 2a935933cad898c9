/**
 * A collection for objects that are added and removed with every request.
 *
 * A `Set` would do, at a price that is paid elsewhere: V8 makes a new table for it every few deletions,
 * each old table refers to the next one, and once one of them is in the old generation all later ones
 * are taken for alive until the next full collection, together with the members that they held. So
 * every request would be copied twice by the collector and stay until a full collection.
 *
 * @module
 */

/** What can be in a bag: in one at a time. */
export interface BagMember {
  /** Its place; for the bag only. Begins as {@link nowhere}. */
  slot: number;
}

/** The slot of what is in no bag. */
export const nowhere = -1;

/** An unordered collection that allocates nothing but when it grows. */
export class Bag<T extends BagMember> {
  /** Members come first; what is behind them is empty and stays, for those to come. */
  readonly #slots: (T | undefined)[] = [];
  #size = 0;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** Puts one in that is in no bag. */
  add(member: T): void {
    member.slot = this.#size;
    this.#slots[this.#size++] = member;
  }

  /**
   * Takes one out.
   *
   * @returns false if it is not in this bag
   */
  delete(member: T): boolean {
    const { slot } = member;
    if (slot === nowhere || this.#slots[slot] !== member) return false;
    const last = this.#slots[--this.#size]!;
    last.slot = slot;
    this.#slots[slot] = last;
    this.#slots[this.#size] = undefined;
    member.slot = nowhere;
    return true;
  }

  /** All that are in it now; it may change while they are looked at. */
  all(): T[] {
    return this.#slots.slice(0, this.#size) as T[];
  }
}
