/**
 * HTTP server: accepts connections, up to a limit, and serves them until it is stopped.
 *
 * @module
 */

import { BackOff } from "../../base/back_off.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { logger } from "../../base/log.ts";
import { ServerConnection } from "./connection.ts";
import { Http2Tunnels, type TunnelClient } from "./http2.ts";
import { defaultLimits, type ServerLimits } from "./limits.ts";
import type { HttpHandler, OutgoingResponse } from "./messages.ts";
import { ResponseHeads } from "./response_head.ts";
import { ConnectionSlots } from "./connection_slots.ts";
import { ClientTimeouts, type Wait } from "./client_timeouts.ts";

/** Pause after a failed accept, ms: first and maximum. */
const firstPauseMs = 10;
const maxPauseMs = 1_000;

/** Time for which a stopping server waits for heads of requests, ms. */
const lastHeadMs = 1_000;

/** Additional descriptors of a connection that is relayed to another server. */
const tunnelDescriptors = 3;

const log = logger("http");

/** Source of connections, for example a listener. */
export interface ConnectionSource extends Pick<Deno.Listener, "accept" | "close"> {
  /** True if what its connections transfer is encrypted. */
  readonly isSecure?: boolean;
  /** Called when the server has closed a connection. */
  closed?(conn: Deno.Conn): void;
}

/** Accepting from one source. */
interface Accepting {
  /** Number of accepted connections. */
  count: number;
  /** True while it waits for a connection, not for a free slot. */
  isWaiting: boolean;
  isRetired: boolean;
  /** Settles when no more connections are accepted. */
  done: Promise<void>;
}

/** Options of a server. */
export interface HttpServerOptions {
  /** Sources of connections; the server closes them. */
  readonly sources: readonly ConnectionSource[];
  /** Answers requests. */
  readonly handler: HttpHandler;
  /** Returns the response to a request that violates HTTP or exceeds a limit. */
  readonly refuse: (status: number, message: string) => OutgoingResponse;
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<ServerLimits>;
  /** Clock of the timeouts. */
  readonly clock?: Clock;
}

/** Server that is listening. Disposing it closes all its connections. */
export class HttpServer implements AsyncDisposable {
  readonly #sources = new Map<ConnectionSource, Accepting>();
  readonly #timeouts: ClientTimeouts;
  readonly #tunnels: Http2Tunnels;
  readonly #slots: ConnectionSlots;
  readonly #clock: Clock;
  readonly #open = new Set<ServerConnection>();
  readonly #serve: (conn: Deno.Conn, client: string, isSecure: boolean) => ServerConnection;
  #isStopping = false;
  #isDraining = false;
  /** Resolves when the last connection of a draining server has closed. */
  readonly #left = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  #cancelLast: (() => void) | undefined;
  #errors = 0;
  #refused = 0;

  /**
   * Starts to accept connections.
   *
   * @param options sources of connections, handler and limits
   */
  constructor(
    { sources, handler, refuse, limits: given, clock = systemClock }: HttpServerOptions,
  ) {
    const limits = { ...defaultLimits, ...given };
    this.#clock = clock;
    this.#timeouts = new ClientTimeouts(clock, limits);
    this.#tunnels = new Http2Tunnels(handler, this.#timeouts);
    this.#slots = new ConnectionSlots(limits, this.#timeouts, clock);
    const context = {
      handler,
      refuse,
      limits,
      timeouts: this.#timeouts,
      heads: new ResponseHeads(),
      tunnel: (conn: Deno.Conn, first: Uint8Array, client: TunnelClient) =>
        this.#carry(conn, first, client),
      isStopping: () => this.#isStopping,
      isDraining: () => this.#isDraining,
    };
    this.#serve = (conn, client, isSecure) => new ServerConnection(conn, client, isSecure, context);
    for (const source of sources) this.add(source);
  }

  /**
   * Accepts connections of another source, too. All sources share the limits.
   *
   * @param source source, which the server closes
   */
  add(source: ConnectionSource): void {
    if (this.#isStopping) return source.close();
    const accepting = { count: 0, isWaiting: false, isRetired: false, done: Promise.resolve() };
    this.#sources.set(source, accepting);
    accepting.done = this.#accept(source, accepting);
  }

  /**
   * Closes a source that receives no new connections any more. Those that it has are served.
   *
   * @param quietMs time without a connection after which it is closed, ms
   * @param maxMs time after which it is closed in any case, ms
   */
  async retire(source: ConnectionSource, quietMs: number, maxMs: number): Promise<void> {
    const accepting = this.#sources.get(source);
    if (!accepting) return;
    const endAt = this.#clock.now() + maxMs;
    for (let seen = -1; this.#clock.now() < endAt && !this.#isStopping;) {
      if (accepting.isWaiting && accepting.count === seen) break;
      seen = accepting.count;
      await new Promise<void>((resolve) => this.#clock.after(quietMs, resolve));
    }
    if (this.#isStopping) return;
    accepting.isRetired = true;
    this.#sources.delete(source);
    source.close();
    await accepting.done;
  }

  /**
   * Lets the clients move to another process that listens on the same port. Closes the sources that receive no
   * new connections any more, and each connection after its next response. A connection without a request stays
   * open, because its client may be sending one.
   *
   * @param quietMs time without a connection after which a source is closed, ms
   * @param maxMs time after which it is closed in any case, ms
   * @returns once all connections are closed
   */
  async drain(quietMs: number, maxMs: number): Promise<void> {
    this.#isDraining = true;
    this.#tunnels.drain();
    const sources = [...this.#sources.keys()];
    await Promise.all(sources.map((source) => this.retire(source, quietMs, maxMs)));
    this.#settle();
    await this.#left.promise;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#open.size;
  }

  /** Number of failed accepts, mostly for lack of descriptors. */
  get acceptErrors(): number {
    return this.#errors;
  }

  /** Number of connections that were rejected because their address had reached its limit. */
  get refusedConnections(): number {
    return this.#refused;
  }

  /**
   * Stops accepting connections, closes the idle ones, and closes the others after their response.
   *
   * @param graceMs maximum time to wait for the other connections, ms
   */
  async shutdown(graceMs: number): Promise<void> {
    this.#stop();
    const over = Promise.withResolvers<void>();
    const cancel = this.#clock.after(graceMs, over.resolve);
    await Promise.race([this.#drained.promise, over.promise]);
    cancel();
  }

  /** Closes the listener and all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    for (const connection of this.#open) connection.close();
    await Promise.all(this.#sources.values().map(({ done }) => done));
    await this.#drained.promise;
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const source of this.#sources.keys()) source.close();
    this.#slots.wake();
    this.#expire("idle");
    // A client that has just connected may have sent its request.
    this.#cancelLast = this.#clock.after(lastHeadMs, () => this.#expire("head"));
    this.#settle();
  }

  #expire(wait: Wait): void {
    for (const waiter of this.#timeouts.all(wait)) {
      this.#timeouts.end(wait, waiter);
      waiter.expire(wait);
    }
  }

  #settle(): void {
    if (this.#open.size > 0) return;
    if (this.#isDraining && this.#sources.size === 0) this.#left.resolve();
    if (!this.#isStopping) return;
    this.#left.resolve();
    this.#cancelLast?.();
    this.#timeouts[Symbol.dispose]();
    this.#drained.resolve();
  }

  async #accept(source: ConnectionSource, accepting: Accepting): Promise<void> {
    const backOff = new BackOff(firstPauseMs, maxPauseMs);
    const isOver = () => this.#isStopping || accepting.isRetired;
    while (!isOver()) {
      try {
        await this.#slots.room();
        if (isOver()) return;
        accepting.isWaiting = true;
        const conn = await source.accept();
        accepting.isWaiting = false;
        accepting.count++;
        backOff.succeeded();
        this.#admit(conn, source);
      } catch (error) {
        accepting.isWaiting = false;
        if (isOver()) return;
        const pauseMs = backOff.failed();
        this.#failed(error, pauseMs === firstPauseMs);
        await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
      }
    }
  }

  #admit(conn: Deno.Conn, source: ConnectionSource): void {
    const client = "hostname" in conn.remoteAddr ? conn.remoteAddr.hostname : "unknown";
    const isRefused = !this.#isStopping && !this.#slots.take(client);
    if (isRefused) this.#refused++;
    if (isRefused || this.#isStopping) {
      conn.close();
      return source.closed?.(conn);
    }
    // Responses are small and no more data follows, so a delay to join packets would be of no use.
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
    const connection = this.#serve(conn, client, source.isSecure ?? false);
    this.#open.add(connection);
    void connection.closed.then(() => {
      this.#open.delete(connection);
      source.closed?.(conn);
      this.#settle();
    });
    void connection.serve().then(() => this.#slots.release(client));
  }

  /** Counts a failed accept and evicts a connection, since descriptors may be exhausted. */
  #failed(error: unknown, isFirst: boolean): void {
    this.#errors++;
    this.#slots.evictOne();
    if (!isFirst) return;
    log.warn("Cannot accept a connection; trying again: {reason}", {
      reason: error instanceof Error ? error.message : String(error),
    });
  }

  async #carry(conn: Deno.Conn, first: Uint8Array, client: TunnelClient): Promise<void> {
    this.#slots.add(tunnelDescriptors);
    try {
      await this.#tunnels.carry(conn, first, client);
    } finally {
      this.#slots.add(-tunnelDescriptors);
    }
  }
}
