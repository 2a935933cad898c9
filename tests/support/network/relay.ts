/**
 * A stretch of network: carries TCP connections to one address, with a delay, until it is cut. A cut
 * one swallows what comes, as a broken path does: nothing is refused, nothing arrives.
 *
 * @module
 */

import { eventually } from "../eventually.ts";

/** Carries connections. Disposing it closes them. */
export class Relay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: { hostname: string; port: number };
  readonly #delayMs: number;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #isCut = false;

  /**
   * A relay that is whole.
   *
   * @param target `host:port`
   * @param delayMs how long each way takes
   */
  constructor(target: string, delayMs = 0) {
    const { hostname, port } = new URL(`http://${target}`);
    this.#target = { hostname, port: Number(port) };
    this.#delayMs = delayMs;
    this.#accepting = this.#accept();
  }

  /** Where it is reached, `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Lets nothing through any more. */
  cut(): void {
    this.#isCut = true;
  }

  /** Lets new connections through; those that were cut break. */
  mend(): void {
    for (const connection of this.#connections) close(connection);
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#accepting;
    await eventually("all is closed", () => this.#connections.size === 0);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#carry(client);
  }

  async #carry(client: Deno.TcpConn): Promise<void> {
    this.#connections.add(client);
    try {
      // A connection that comes while it is cut waits for the end of the cut, which closes it.
      if (this.#isCut) return await this.#pump(client, undefined);
      const server = await Deno.connect(this.#target);
      this.#connections.add(server);
      client.setNoDelay();
      server.setNoDelay();
      await Promise.race([this.#pump(client, server), this.#pump(server, client)]);
      close(server);
      this.#connections.delete(server);
    } catch {
      // Who listens there may be gone; the client sees that its connection ends.
    } finally {
      close(client);
      this.#connections.delete(client);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn | undefined): Promise<void> {
    let last = Promise.resolve();
    try {
      for (;;) {
        const buffer = new Uint8Array(1 << 16);
        const length = await from.read(buffer);
        if (length === null) break;
        if (this.#isCut || !to) continue;
        const arrived = new Promise((resolve) => setTimeout(resolve, this.#delayMs));
        last = last.then(() => arrived).then(() => write(to, buffer.subarray(0, length)));
        last.catch(() => {});
      }
      await last;
    } catch {
      // One end has broken, and so does the other.
    }
  }
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
