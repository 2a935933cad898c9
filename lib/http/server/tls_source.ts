/**
 * Source of TLS connections for a server, with one certificate.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Libc } from "./libc.ts";
import type { ConnectionSource } from "./server.ts";

/** Time for which closed connections are collected before their sockets are shut down, ms. */
const collectMs = 50;
/** Minimum pause between two searches for sockets, in multiples of the time that the last one took. */
const pauseFactor = 10;

/** Accepts TLS connections. Their handshakes continue while the next connections are accepted. */
export class TlsSource implements ConnectionSource {
  readonly isSecure = true;
  readonly #listener: Deno.TlsListener;
  readonly #libc: Libc | undefined;
  readonly #clock: Clock;
  readonly #handshaking = new Set<Deno.Conn>();
  readonly #abandoned: Deno.Conn[] = [];
  #isSearching = false;
  #pauseMs = collectMs;
  #failures = 0;
  #isClosed = false;

  /**
   * Creates a source.
   *
   * @param listener listener, which this object closes
   * @param libc shuts sockets down
   */
  constructor(listener: Deno.TlsListener, libc: Libc | undefined, clock: Clock) {
    this.#listener = listener;
    this.#libc = libc;
    this.#clock = clock;
  }

  /** Number of connections that ended before their handshake did. */
  get failures(): number {
    return this.#failures;
  }

  /** Accepts a connection and starts its handshake. */
  async accept(): Promise<Deno.TlsConn> {
    const conn = await this.#listener.accept();
    this.#handshaking.add(conn);
    conn.handshake().then(() => this.#handshaking.delete(conn), () => {
      // The connection's read fails, too.
      if (this.#handshaking.delete(conn)) this.#failures++;
    });
    return conn;
  }

  /** Stops accepting connections. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
  }

  /**
   * Releases the socket of a connection that was closed. The platform completes a handshake before it
   * closes the socket, so a client that sends nothing would keep the descriptor for any time.
   */
  closed(conn: Deno.Conn): void {
    if (!this.#handshaking.delete(conn)) return;
    this.#failures++;
    if (!this.#libc) return;
    this.#abandoned.push(conn);
    this.#searchLater(this.#libc);
  }

  /** Shuts down the abandoned sockets. One search through all descriptors serves many connections. */
  #searchLater(libc: Libc): void {
    if (this.#isSearching || this.#abandoned.length === 0) return;
    this.#isSearching = true;
    this.#clock.after(this.#pauseMs, async () => {
      const began = this.#clock.now();
      const found = this.#abandoned.splice(0);
      // It fails while no descriptor is free.
      await libc.shutDown(found).catch(() => this.#abandoned.push(...found));
      this.#pauseMs = Math.max(collectMs, pauseFactor * (this.#clock.now() - began));
      this.#isSearching = false;
      this.#searchLater(libc);
    });
  }
}
