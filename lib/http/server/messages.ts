/**
 * Requests and responses as the HTTP server and its handlers exchange them: parts of a request are
 * parsed on demand.
 *
 * @module
 */

import type { Rope } from "../../base/rope.ts";
import type { Body } from "../body.ts";
import type { HeaderPair } from "../head.ts";

/** Headers of a request, names in lower case, in their order. */
export class HeaderList {
  readonly #pairs: readonly HeaderPair[];

  /** @param pairs names in lower case */
  constructor(pairs: readonly HeaderPair[]) {
    this.#pairs = pairs;
  }

  /** All of them, as they came. */
  get pairs(): readonly HeaderPair[] {
    return this.#pairs;
  }

  /**
   * The value of a header.
   *
   * @param name in lower case
   * @returns several values joined as RFC 9110, 5.3 has it; null if there is none
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
   * True if there is such a header.
   *
   * @param name in lower case
   */
  has(name: string): boolean {
    return this.#pairs.some(([each]) => each === name);
  }

  /** Names and values. */
  [Symbol.iterator](): Iterator<HeaderPair> {
    return this.#pairs[Symbol.iterator]();
  }
}

/** A request that has come in. */
export interface IncomingRequest {
  /** Its verb, as it was sent. */
  readonly method: string;
  /**
   * Path and query as they were sent; bytes that are not ASCII are percent-encoded. Begins with a
   * slash, whatever follows, but for `*`.
   */
  readonly target: string;
  /** Its headers; there is one `host`. */
  readonly headers: HeaderList;
  /** Address of the client. */
  readonly client: string;
  readonly body: Body;
  /**
   * Subscribes to a disconnect of the client before it has its response. Closing only its sending side
   * is no disconnect.
   *
   * @param listener called at most once
   */
  onDisconnect(listener: () => void): void;
}

/** A response on its way out. */
export interface OutgoingResponse {
  /** Status, 200 to 599. */
  readonly status: number;
  /** Its headers, without those that delimit the body or concern the connection. */
  readonly headers: readonly HeaderPair[];
  /** Its body; a stream that fails breaks the connection, so that the client cannot take it for whole. */
  readonly body: string | Uint8Array<ArrayBuffer> | Rope | ReadableStream<Uint8Array> | undefined;
  /** Memory reserved for its body; released once it is sent or has failed. */
  readonly held?: Disposable;
}

/** Answers requests; must not fail. */
export type HttpHandler = (
  request: IncomingRequest,
) => OutgoingResponse | Promise<OutgoingResponse>;

/** Statuses whose responses have no body (Fetch standard, null body status). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** True if responses of that status have no body. */
export function isBodiless(status: number): boolean {
  return bodiless.has(status);
}
