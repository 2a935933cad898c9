/**
 * How code that makes large things reserves the memory for them.
 *
 * @module
 */

import { sliceBytes } from "./slices.ts";

/**
 * Reserves memory before it is used; its giver releases it.
 *
 * @param bytes how much more
 * @throws `NODE_SATURATED` if there is no room for it
 */
export type ReserveMemory = (bytes: number) => void;

/** Memory that is reserved for one thing. Disposing it releases it; more than once does no harm. */
export interface MemoryReservation extends Disposable {
  /**
   * Reserves more.
   *
   * @param bytes how much more
   * @throws what refuses it, and nothing more is reserved
   */
  hold(bytes: number): void;
}

/**
 * Reserves the memory of what arrives, from the moment that it is long; short things need none.
 *
 * @param held the reservation that grows
 */
export function reserveLong(held: MemoryReservation): ReserveMemory {
  let unreserved = 0;
  let isLong = false;
  return (bytes) => {
    unreserved += bytes;
    isLong ||= unreserved > sliceBytes;
    if (!isLong) return;
    held.hold(unreserved);
    unreserved = 0;
  };
}
