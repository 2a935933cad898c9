/**
 * Collection for objects that are added and removed with every request.
 *
 * A `Set` would work, but it would make garbage collection expensive. V8 creates a new table for it every
 * few deletions, and each old table refers to the next one. Once one of them is in the old generation, the
 * collector keeps all later tables and their members alive until the next full collection. So the
 * collector would copy every request twice and keep it until a full collection.
 *
 * @module
 */

/** Member of a bag. It can be in one bag at a time. */
export interface BagMember {
  /** Index in the bag, for the bag only. The initial value is {@link nowhere}. */
  slot: number;
}

/** Slot of a member that is in no bag. */
export const nowhere = -1;

/** Unordered collection that allocates memory only when it grows. */
export class Bag<T extends BagMember> {
  /** Members, followed by empty slots for later members. */
  readonly #slots: (T | undefined)[] = [];
  #size = 0;

  /** Number of members. */
  get size(): number {
    return this.#size;
  }

  /** Adds a member, which must be in no bag. */
  add(member: T): void {
    member.slot = this.#size;
    this.#slots[this.#size++] = member;
  }

  /**
   * Removes a member.
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

  /** Returns a copy of all members. The bag may change during an iteration of it. */
  all(): T[] {
    return this.#slots.slice(0, this.#size) as T[];
  }
}
