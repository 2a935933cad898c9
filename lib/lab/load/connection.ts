/**
 * Persistent connection of the load generator with one request at a time, each sent in one write. A read
 * is always pending, so that a connection closed by the server is not used again.
 *
 * @module
 */

import { BadMessage } from "../../http/failures.ts";
import { ResponseParser } from "./response_parser.ts";
import type { RequestKind, ScheduledRequest } from "./plan.ts";

const bufferBytes = 32 << 10;

/** Failure of a connection, and outcome of its request. */
export type ConnectionFailure = "connection_closed" | "bad_answer" | "timeout";

/** Receives the events of a connection. */
export interface ConnectionOwner {
  /** A response is complete. The connection may be used again if it is still open. */
  completed(connection: Connection, request: ScheduledRequest, response: ResponseParser): void;
  /** The connection is closed, and its request, if there was one, has failed. */
  closed(
    connection: Connection,
    request: ScheduledRequest | undefined,
    failure: ConnectionFailure,
  ): void;
}

/** Persistent connection. */
export class Connection {
  readonly #conn: Deno.Conn;
  readonly #owner: ConnectionOwner;
  readonly #parser = new ResponseParser();
  readonly #buffer = new Uint8Array(bufferBytes);
  #request: ScheduledRequest | undefined;
  #unsent: Uint8Array | undefined;
  #isOpen = true;

  /**
   * Starts to read responses from an open connection, which this object closes.
   *
   * @param owner receives its events
   */
  constructor(conn: Deno.Conn, owner: ConnectionOwner) {
    this.#conn = conn;
    this.#owner = owner;
    this.#read();
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The request in flight. */
  get request(): ScheduledRequest | undefined {
    return this.#request;
  }

  /**
   * Sends a request; none may be in flight.
   *
   * @param kind its bytes
   */
  send(request: ScheduledRequest, kind: RequestKind): void {
    this.#request = request;
    this.#parser.expect(kind.method, kind.validator !== undefined);
    this.#unsent = kind.bytes;
    this.#write();
  }

  /**
   * Closes the connection.
   *
   * @param failure outcome of the request in flight
   */
  close(failure: ConnectionFailure): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#conn.close();
    const request = this.#request;
    this.#request = undefined;
    this.#owner.closed(this, request, failure);
  }

  #write(): void {
    this.#conn.write(this.#unsent!).then(this.#onWritten, this.#onBroken);
  }

  #read(): void {
    this.#conn.read(this.#buffer).then(this.#onRead, this.#onBroken);
  }

  readonly #onWritten = (count: number) => {
    if (!this.#unsent) return;
    const isWhole = count === this.#unsent.length;
    this.#unsent = isWhole ? undefined : this.#unsent.subarray(count);
    if (!isWhole && this.#isOpen) this.#write();
  };

  readonly #onBroken = () => this.close("connection_closed");

  readonly #onRead = (count: number | null) => {
    if (!this.#isOpen) return;
    if (count === null) {
      if (this.#request && this.#parser.end()) this.#completed();
      return this.close("connection_closed");
    }
    if (!this.#request) return this.close("bad_answer");
    try {
      if (this.#parser.push(this.#buffer.subarray(0, count))) this.#completed();
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      return this.close("bad_answer");
    }
    if (this.#isOpen) this.#read();
  };

  #completed(): void {
    const request = this.#request!;
    this.#request = undefined;
    // A server that responds before it has read all would take the rest for the next request.
    if (!this.#parser.keepAlive || this.#unsent) {
      this.#isOpen = false;
      this.#conn.close();
    }
    this.#owner.completed(this, request, this.#parser);
    if (!this.#isOpen) this.#owner.closed(this, undefined, "connection_closed");
  }
}
