/**
 * Pool of idle connections to one server.
 *
 * @module
 */

import { addressOf, type ServerAddress } from "./address.ts";
import type { Connection } from "./connection.ts";

/** Maximum number of idle connections. */
const maxIdle = 128;

/** Keeps connections for later requests. Disposing the pool closes them, and it accepts no more. */
export class IdlePool implements Disposable {
  /** Address of the server. */
  readonly address: ServerAddress;
  readonly #idle: Connection[] = [];
  #isDisposed = false;

  /**
   * Creates an empty pool.
   *
   * @param url URL of the server
   */
  constructor(url: string) {
    this.address = addressOf(url);
  }

  /** Takes the connection that was kept last and is not known to have ended. */
  take(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (!connection.isClosed) return connection;
    }
    return undefined;
  }

  /**
   * Keeps a connection if another request may follow on it; otherwise closes it.
   *
   * @param connection connection of which the response was read
   */
  keep(connection: Connection): void {
    if (this.#isDisposed || this.#idle.length >= maxIdle || !connection.isReusable) {
      connection[Symbol.dispose]();
      return;
    }
    this.#idle.push(connection);
    connection.idle(() => {
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
    });
  }

  /** Closes all idle connections. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }
}
