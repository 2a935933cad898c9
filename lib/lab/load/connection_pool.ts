/**
 * Connections to one server: one per request in flight, up to a maximum. Further requests wait, which
 * counts as response time.
 *
 * @module
 */

import { closeQuietly } from "../../base/close.ts";
import type { ServerAddress } from "../../http/address.ts";
import type { Trust } from "../../http/tls/trust.ts";
import type { ResponseParser } from "./response_parser.ts";
import { Connection, type ConnectionFailure, type ConnectionOwner } from "./connection.ts";
import type { LoadPlan, RequestKind, ScheduledRequest } from "./plan.ts";

/** Maximum number of requests waiting for a connection. */
const maxWaiting = 100_000;
/** Timeout of a connection attempt, ms. */
const connectTimeoutMs = 5_000;

/** Outcome of a request without a response. */
export type RequestFailure = ConnectionFailure | "no_connection" | "not_sent";

/** Receives the ends of requests. */
export interface RequestOwner {
  /** Time, ms after the start. */
  now(): number;
  /** A response is complete; it is valid only during the call. */
  completed(request: ScheduledRequest, response: ResponseParser): void;
  failed(request: ScheduledRequest, failure: RequestFailure, reason?: string): void;
  /** A request has ended, and its connection can be used again. */
  ended(request: ScheduledRequest, failure: RequestFailure | undefined): void;
}

/** Connections to one server. */
export class ConnectionPool implements ConnectionOwner, Disposable {
  readonly #origin: ServerAddress;
  readonly #kinds: readonly RequestKind[];
  readonly #maxConnections: number;
  readonly #trust: Trust | undefined;
  readonly #owner: RequestOwner;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #closed = new AbortController();
  #waiting: ScheduledRequest[] = [];
  /** Index of the first waiting request, since removing it from the array would move all others. */
  #first = 0;
  #connecting = 0;
  #peakConnections = 0;
  #hasWaited = false;

  /**
   * Creates a pool without connections.
   *
   * @param origin the server
   * @param plan plan of the run
   * @param owner receives the ends of requests
   */
  constructor(
    origin: ServerAddress,
    { kinds, maxConnections, trust }: Pick<LoadPlan, "kinds" | "maxConnections" | "trust">,
    owner: RequestOwner,
  ) {
    this.#origin = origin;
    this.#kinds = kinds;
    this.#maxConnections = maxConnections;
    this.#trust = trust;
    this.#owner = owner;
  }

  /** Maximum number of connections that were open at once. */
  get peakConnections(): number {
    return this.#peakConnections;
  }

  /** Whether a request had to wait because the maximum was reached. */
  get wasExhausted(): boolean {
    return this.#hasWaited;
  }

  /** Sends a request as soon as a connection is free. */
  dispatch(request: ScheduledRequest): void {
    const connection = this.#idle.pop();
    if (connection) return this.#send(connection, request);
    const waiting = this.#waiting.length - this.#first;
    if (waiting >= maxWaiting) return this.#fail(request, "not_sent");
    this.#waiting.push(request);
    if (this.#connections.size + this.#connecting >= this.#maxConnections) this.#hasWaited = true;
    else if (this.#connecting <= waiting) void this.#connect();
  }

  /**
   * Fails requests that have timed out.
   *
   * @param dueMs requests due before this time fail
   */
  expire(dueMs: number): void {
    for (const connection of this.#connections) {
      if (connection.request && connection.request.dueMs < dueMs) connection.close("timeout");
    }
    while (this.#first < this.#waiting.length && this.#waiting[this.#first]!.dueMs < dueMs) {
      this.#fail(this.#takeWaiting()!, "not_sent");
    }
  }

  /** Closes all connections without further events. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#waiting = [];
    this.#first = 0;
    for (const connection of this.#connections) connection.close("connection_closed");
  }

  /** Passes a response on and reuses its connection. */
  completed(connection: Connection, request: ScheduledRequest, response: ResponseParser): void {
    if (this.#closed.signal.aborted) return;
    this.#owner.completed(request, response);
    if (connection.isOpen) this.#free(connection);
    this.#owner.ended(request, undefined);
  }

  /** Removes a closed connection and fails its request. */
  closed(
    connection: Connection,
    request: ScheduledRequest | undefined,
    failure: ConnectionFailure,
  ): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#closed.signal.aborted) return;
    this.#connectForWaiting();
    if (request) this.#fail(request, failure);
  }

  #fail(request: ScheduledRequest, failure: RequestFailure, reason?: string): void {
    this.#owner.failed(request, failure, reason);
    this.#owner.ended(request, failure);
  }

  #free(connection: Connection): void {
    const next = this.#takeWaiting();
    if (next) this.#send(connection, next);
    else this.#idle.push(connection);
  }

  #send(connection: Connection, request: ScheduledRequest): void {
    request.sentMs = this.#owner.now();
    connection.send(request, this.#kinds[request.kind]!);
  }

  #takeWaiting(): ScheduledRequest | undefined {
    if (this.#first === this.#waiting.length) return undefined;
    const request = this.#waiting[this.#first++]!;
    if (this.#first === this.#waiting.length || this.#first > maxWaiting) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return request;
  }

  /** Opens a connection if more requests wait than connections are being opened. */
  #connectForWaiting(): void {
    if (this.#waiting.length - this.#first > this.#connecting) void this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#connections.size + this.#connecting >= this.#maxConnections) return;
    this.#connecting++;
    const conn = await this.#tryConnect();
    this.#connecting--;
    const isThere = !(conn instanceof Error);
    if (this.#closed.signal.aborted) {
      if (isThere) conn.close();
      return;
    }
    if (isThere) {
      const connection = new Connection(conn, this);
      this.#connections.add(connection);
      this.#peakConnections = Math.max(this.#peakConnections, this.#connections.size);
      return this.#free(connection);
    }
    const request = this.#takeWaiting();
    this.#connectForWaiting();
    if (request) this.#fail(request, "no_connection", conn.message);
  }

  /** @returns the connection, or the error */
  async #tryConnect(): Promise<Deno.Conn | Error> {
    const { hostname, port, isSecure } = this.#origin;
    const abort = new AbortController();
    let conn: Deno.Conn | undefined;
    const giveUp = () => {
      abort.abort(new Error(`no response within ${connectTimeoutMs / 1000} s`));
      closeQuietly(conn);
    };
    const timer = setTimeout(giveUp, connectTimeoutMs);
    this.#closed.signal.addEventListener("abort", giveUp);
    try {
      const plain = await Deno.connect({ hostname, port, signal: abort.signal });
      conn = plain;
      plain.setNoDelay(true);
      if (!isSecure) return plain;
      const secured = await Deno.startTls(plain, {
        hostname,
        caCerts: [...await this.#trust?.certificates() ?? []],
      });
      conn = secured;
      await secured.handshake();
      return secured;
    } catch (error) {
      closeQuietly(conn);
      return (abort.signal.aborted ? abort.signal.reason : error) as Error;
    } finally {
      clearTimeout(timer);
      this.#closed.signal.removeEventListener("abort", giveUp);
    }
  }
}
