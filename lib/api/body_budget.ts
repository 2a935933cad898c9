/**
 * Budget for the memory of request bodies and long results on a node. It covers the bodies of requests
 * that are read, wait or run, and results from their first byte until they are sent or stored.
 *
 * @module
 */

import type { MemoryReservation } from "../base/reserve_memory.ts";
import { ServerledgeError } from "../base/errors.ts";

/** Copies of a body in memory: the body, and the frame or request that carries it to its function. */
const copies = 2;
const mib = 1 << 20;

/** Limit for the total memory of bodies and results. */
export class BodyBudget {
  readonly #maxBytes: number;
  #reserved = 0;

  /**
   * Creates a budget without reservations.
   *
   * @param maxBytes memory for bodies and their copies
   */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Reserved memory, bytes. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Checks whether a body fits into the budget now, without a reservation.
   *
   * @param bytes length of the body
   * @throws `NODE_SATURATED` if the body does not fit
   */
  check(bytes: number): void {
    this.#check(bytes * copies);
  }

  /**
   * Reserves the memory of a body.
   *
   * @returns reservation, which releases the memory once when it is disposed
   * @throws `NODE_SATURATED` if the other reservations leave too little memory
   */
  take(bytes: number): ReservedBody {
    const body = new ReservedBody((more) => this.#reserve(more));
    body.grow(bytes);
    return body;
  }

  /**
   * Reserves the memory of a result, or of the response that is made of it.
   *
   * @param bytes length of the result, counted once
   * @returns reservation like that of {@link BodyBudget.take}; it throws `FUNCTION_ERROR` if it cannot grow
   * @throws `FUNCTION_ERROR`, not `NODE_SATURATED`, since the function has run and must not be retried
   */
  takeResult(bytes: number): MemoryReservation {
    const result = new ReservedBody((more, soFar) => {
      try {
        this.#reserve(more);
      } catch (cause) {
        throw noRoom(soFar + more, this.#reserved, this.#maxBytes, cause);
      }
    });
    result.hold(bytes);
    return result;
  }

  #reserve(bytes: number): void {
    if (bytes > 0) this.#check(bytes);
    this.#reserved += bytes;
  }

  #check(bytes: number): void {
    if (this.#reserved + bytes > this.#maxBytes) throw saturated(this.#reserved, this.#maxBytes);
  }
}

/** Reservation of the memory of one body. */
export class ReservedBody implements MemoryReservation {
  readonly #reserve: (bytes: number, soFar: number) => void;
  #bytes = 0;

  /**
   * Creates a reservation of 0 bytes.
   *
   * @param reserve reserves more bytes, or releases them if the number is negative; throws if they do not
   *   fit. `soFar` is the number of bytes that are reserved already
   */
  constructor(reserve: (bytes: number, soFar: number) => void) {
    this.#reserve = reserve;
  }

  /**
   * Reserves memory for bytes of the body that have arrived, and for their copy.
   *
   * @param bytes number of bytes
   * @throws `NODE_SATURATED` if they do not fit; the reservation does not change then
   */
  grow(bytes: number): void {
    this.hold(bytes * copies);
  }

  /** Reserves memory for data derived from the body, counted once; see {@link MemoryReservation.hold}. */
  hold(bytes: number): void {
    this.#reserve(bytes, this.#bytes);
    this.#bytes += bytes;
  }

  /** Releases the memory. */
  [Symbol.dispose](): void {
    const bytes = this.#bytes;
    this.#bytes = 0;
    this.#reserve(-bytes, bytes);
  }
}

function noRoom(bytes: number, reserved: number, maxBytes: number, cause: unknown) {
  const used = `${Math.ceil(reserved / mib)} of ${Math.floor(maxBytes / mib)} MiB`;
  const message =
    `The function's result needs at least ${Math.ceil(bytes / mib)} MiB of memory, which is not ` +
    `available: request bodies and results use ${used}. Request fewer at a time, or raise ` +
    "api.bodies.memory of the node";
  const error = { type: "NoRoomForResult", message };
  return new ServerledgeError("FUNCTION_ERROR", message, {
    cause,
    details: { error, bookedBytes: reserved, maxBytes },
  });
}

function saturated(reserved: number, maxBytes: number): ServerledgeError {
  const message =
    `Not enough memory for the request body: request bodies use ${Math.ceil(reserved / mib)} of ` +
    `${Math.floor(maxBytes / mib)} MiB (each is counted twice). Try again, or raise ` +
    "api.bodies.memory of the node";
  return new ServerledgeError("NODE_SATURATED", message, {
    details: { bookedBytes: reserved, maxBytes },
  });
}
