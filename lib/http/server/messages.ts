/**
 * Requests and responses that the HTTP server and its handlers exchange. Parts of a request are
 * parsed on demand.
 *
 * @module
 */

import type { ErrorCode } from "../../base/errors.ts";
import type { Rope } from "../../base/rope.ts";
import type { Body } from "../body.ts";
import type { HeaderPair } from "../head.ts";

/** Headers of a request in their order, names in lower case. */
export class HeaderList {
  readonly #pairs: readonly HeaderPair[];

  /**
   * Creates a list of headers, without a copy.
   *
   * @param pairs names in lower case, and values
   */
  constructor(pairs: readonly HeaderPair[]) {
    this.#pairs = pairs;
  }

  /** All headers in the order of the request. */
  get pairs(): readonly HeaderPair[] {
    return this.#pairs;
  }

  /**
   * Returns the value of a header.
   *
   * @param name name in lower case
   * @returns the value, several joined as RFC 9110, 5.3 defines; null if there is no such header
   */
  get(name: string): string | null {
    let found: string | null = null;
    for (const [each, value] of this.#pairs) {
      if (each !== name) continue;
      found = found === null ? value : `${found}${name === "cookie" ? "; " : ", "}${value}`;
    }
    return found;
  }

  /**
   * Returns whether there is such a header.
   *
   * @param name name in lower case
   */
  has(name: string): boolean {
    return this.#pairs.some(([each]) => each === name);
  }

  /** Iterates over names and values. */
  [Symbol.iterator](): Iterator<HeaderPair> {
    return this.#pairs[Symbol.iterator]();
  }
}

/** Request that the server has received. */
export interface IncomingRequest {
  /** Method, unchanged. */
  readonly method: string;
  /**
   * Path and query, unchanged except that bytes that are not ASCII are percent-encoded. It begins with
   * a slash, or is `*`.
   */
  readonly target: string;
  /** Headers, with exactly one `host`. */
  readonly headers: HeaderList;
  /** Address of the client. */
  readonly client: string;
  /** Node or balancer that has signed the request, once that was verified; absent for clients. */
  readonly peer?: {
    readonly id: string;
    /** True if a balancer passes on the request of a client, which has the rights of that client. */
    readonly forClient: boolean;
  };
  /** True if it came over TLS. */
  readonly isSecure: boolean;
  readonly body: Body;
  /**
   * Subscribes to a disconnect of the client before the end of the response. A client that only closes
   * its sending side has not disconnected.
   *
   * @param listener called at most once
   */
  onDisconnect(listener: () => void): void;
}

/** Response that the server sends. */
export interface OutgoingResponse {
  /** Status, 200 to 599. */
  readonly status: number;
  /** Headers, without those that delimit the body or concern the connection. */
  readonly headers: readonly HeaderPair[];
  /** Body. A stream that fails breaks the connection, which lets the client detect the incomplete body. */
  readonly body: string | Uint8Array<ArrayBuffer> | Rope | ReadableStream<Uint8Array> | undefined;
  /** Code of the error that the body reports, for records of requests. */
  readonly error?: ErrorCode | undefined;
  /** Reservation of the memory of the body; released when the response was sent or has failed. */
  readonly held?: Disposable;
}

/** Handler of requests; must not throw or reject. */
export type HttpHandler = (
  request: IncomingRequest,
) => OutgoingResponse | Promise<OutgoingResponse>;

/** Statuses whose responses have no body (Fetch standard, null body status). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** Returns whether responses with this status have no body. */
export function isBodiless(status: number): boolean {
  return bodiless.has(status);
}
