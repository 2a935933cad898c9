/**
 * How much memory the bodies of requests may take on a node, those that are read, wait and run
 * together, and long responses until they are sent.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";

/** A body is copied once: into the frame, or the request, by which its function gets it. */
const copies = 2;
const mib = 1 << 20;

/** The bytes that all bodies may have. */
export class BodyBudget {
  readonly #maxBytes: number;
  #booked = 0;

  /** @param maxBytes memory for bodies and their copies */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory that is booked, bytes. */
  get booked(): number {
    return this.#booked;
  }

  /**
   * Whether a body would fit now; nothing is booked.
   *
   * @param bytes its length
   * @throws `NODE_SATURATED`
   */
  check(bytes: number): void {
    this.#check(bytes * copies);
  }

  /**
   * Books the memory of a body.
   *
   * @returns gives the memory back, once, when it is disposed
   * @throws `NODE_SATURATED` if the bodies that are there leave too little
   */
  take(bytes: number): BookedBody {
    const body = this.#nothing();
    body.grow(bytes);
    return body;
  }

  /**
   * Books the memory of a response until its client has taken it.
   *
   * @param bytes its length, counted once
   * @returns as {@link BodyBudget.take}
   * @throws `FUNCTION_ERROR`: whoever gets it must not run the function again as if it had never run
   */
  takeResponse(bytes: number): BookedBody {
    const response = this.#nothing();
    try {
      response.hold(bytes);
      return response;
    } catch (cause) {
      throw noRoom(bytes, this.#booked, this.#maxBytes, cause);
    }
  }

  #nothing(): BookedBody {
    return new BookedBody((more) => {
      if (more > 0) this.#check(more);
      this.#booked += more;
    });
  }

  #check(bytes: number): void {
    if (this.#booked + bytes > this.#maxBytes) throw saturated(this.#booked, this.#maxBytes);
  }
}

/** The memory of one body. Disposing it gives it back; more than once does no harm. */
export class BookedBody implements Disposable {
  readonly #book: (bytes: number) => void;
  #bytes = 0;

  /** @param book books so much more, or gives it back where it is negative; may refuse by an error */
  constructor(book: (bytes: number) => void) {
    this.#book = book;
  }

  /**
   * More of the body has come.
   *
   * @param bytes how much
   * @throws `NODE_SATURATED`, and nothing more is booked
   */
  grow(bytes: number): void {
    this.hold(bytes * copies);
  }

  /**
   * Something is made of the body, and held as long.
   *
   * @param bytes its memory, counted once
   * @throws `NODE_SATURATED`, and nothing more is booked
   */
  hold(bytes: number): void {
    this.#book(bytes);
    this.#bytes += bytes;
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    const bytes = this.#bytes;
    this.#bytes = 0;
    this.#book(-bytes);
  }
}

function noRoom(bytes: number, booked: number, maxBytes: number, cause: unknown) {
  const message =
    `The function has returned ${Math.ceil(bytes / mib)} MiB, for which there is no room: ` +
    `bodies and results take ${Math.ceil(booked / mib)} of ${Math.floor(maxBytes / mib)} MiB. ` +
    "Ask for fewer at a time, or raise api.bodies.memory of the node";
  const error = { type: "NoRoomForResult", message };
  return new ServerledgeError("FUNCTION_ERROR", message, {
    cause,
    details: { error, bookedBytes: booked, maxBytes },
  });
}

function saturated(booked: number, maxBytes: number): ServerledgeError {
  const message = `The bodies of requests take ${Math.ceil(booked / mib)} of ` +
    `${
      Math.floor(maxBytes / mib)
    } MiB (each is counted twice), which leaves too little for this one: ` +
    "try again, or raise api.bodies.memory of the node";
  return new ServerledgeError("NODE_SATURATED", message, {
    details: { bookedBytes: booked, maxBytes },
  });
}
