/**
 * The idle connections to one server.
 *
 * @module
 */

import { addressOf, type ServerAddress } from "./address.ts";
import type { Connection } from "./connection.ts";

/** Most idle connections that are kept. */
const maxIdle = 128;

/** Keeps connections for the requests to come. Disposing it closes them, and it keeps no more. */
export class IdlePool implements Disposable {
  /** Where the server is. */
  readonly address: ServerAddress;
  readonly #idle: Connection[] = [];
  #isDisposed = false;

  /** @param url of the server */
  constructor(url: string) {
    this.address = addressOf(url);
  }

  /** A connection that has not ended since it was kept, as far as is known; the freshest. */
  take(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (!connection.isClosed) return connection;
    }
    return undefined;
  }

  /**
   * Keeps a connection if another request may follow on it; closes it if not.
   *
   * @param connection whose response was read
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

  /** Closes what it keeps. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }
}
