/**
 * Reservation of memory by code that creates or receives large data.
 *
 * @module
 */

import { sliceBytes } from "./slices.ts";

/**
 * Reserves memory before it is used. The provider of this function releases it.
 *
 * @param bytes additional bytes
 * @throws `NODE_SATURATED` if too little memory is free; `FUNCTION_ERROR` if it is for a result, since
 *   the function has run
 */
export type ReserveMemory = (bytes: number) => void;

/** Reservation of memory for one purpose. Disposing it releases the memory once. */
export interface MemoryReservation extends Disposable {
  /**
   * Reserves more memory.
   *
   * @param bytes additional bytes
   * @throws the error of the refusal, and no more memory is reserved
   */
  hold(bytes: number): void;
}

/**
 * Returns a function that reserves memory for arriving data once it is long; short data needs none.
 *
 * @param held reservation that grows
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
