/**
 * How code that makes large things reserves the memory for them.
 *
 * @module
 */

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
