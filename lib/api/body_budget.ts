/**
 * How much memory the bodies of requests may take on a node, those that are read, wait and run
 * together, and long results from their first byte until they are sent or stored.
 *
 * @module
 */

import type { MemoryReservation } from "../base/reserve_memory.ts";
import { ServerledgeError } from "../base/errors.ts";

/** A body is copied once: into the frame, or the request, by which its function gets it. */
const copies = 2;
const mib = 1 << 20;

/** The bytes that all bodies may have. */
export class BodyBudget {
  readonly #maxBytes: number;
  #reserved = 0;

  /** @param maxBytes memory for bodies and their copies */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory that is reserved, bytes. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Whether a body would fit now; nothing is reserved.
   *
   * @param bytes its length
   * @throws `NODE_SATURATED`
   */
  check(bytes: number): void {
    this.#check(bytes * copies);
  }

  /**
   * Reserves the memory of a body.
   *
   * @returns gives the memory back, once, when it is disposed
   * @throws `NODE_SATURATED` if the bodies that are there leave too little
   */
  take(bytes: number): ReservedBody {
    const body = new ReservedBody((more) => this.#reserve(more));
    body.grow(bytes);
    return body;
  }

  /**
   * Reserves the memory of a result, or of what is made of it for its client.
   *
   * @param bytes its length, counted once
   * @returns as {@link BodyBudget.take}; may refuse more as this does
   * @throws `FUNCTION_ERROR`: whoever gets it must not run the function again as if it had never run
   */
  takeResult(bytes: number): MemoryReservation {
    const result = new ReservedBody((more) => {
      try {
        this.#reserve(more);
      } catch (cause) {
        throw noRoom(more, this.#reserved, this.#maxBytes, cause);
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

/** The memory of one body. */
export class ReservedBody implements MemoryReservation {
  readonly #reserve: (bytes: number) => void;
  #bytes = 0;

  constructor(reserve: (bytes: number) => void) {
    this.#reserve = reserve;
  }

  /**
   * More of the body has come.
   *
   * @param bytes how much
   * @throws `NODE_SATURATED`, and nothing more is reserved
   */
  grow(bytes: number): void {
    this.hold(bytes * copies);
  }

  /** See {@link MemoryReservation.hold}: something is made of the body, counted once, and kept as long. */
  hold(bytes: number): void {
    this.#reserve(bytes);
    this.#bytes += bytes;
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    const bytes = this.#bytes;
    this.#bytes = 0;
    this.#reserve(-bytes);
  }
}

function noRoom(bytes: number, reserved: number, maxBytes: number, cause: unknown) {
  const message =
    `The function has returned ${Math.ceil(bytes / mib)} MiB, for which there is no room: ` +
    `bodies and results take ${Math.ceil(reserved / mib)} of ${Math.floor(maxBytes / mib)} MiB. ` +
    "Ask for fewer at a time, or raise api.bodies.memory of the node";
  const error = { type: "NoRoomForResult", message };
  return new ServerledgeError("FUNCTION_ERROR", message, {
    cause,
    details: { error, bookedBytes: reserved, maxBytes },
  });
}

function saturated(reserved: number, maxBytes: number): ServerledgeError {
  const message = `The bodies of requests take ${Math.ceil(reserved / mib)} of ` +
    `${
      Math.floor(maxBytes / mib)
    } MiB (each is counted twice), which leaves too little for this one: ` +
    "try again, or raise api.bodies.memory of the node";
  return new ServerledgeError("NODE_SATURATED", message, {
    details: { bookedBytes: reserved, maxBytes },
  });
}
