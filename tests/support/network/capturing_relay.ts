/**
 * A stretch of network on which somebody listens: what clients send is captured, and can be kept from
 * the server or answers changed.
 *
 * @module
 */

import { closeQuietly } from "./raw_server.ts";

/** Carries connections to one address. Disposing it closes them. */
export class CapturingRelay implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #port: number;
  /** What clients have sent, as text of Latin-1, one piece for each read. */
  readonly captured: string[] = [];
  /** True to capture requests of functions and close their connections instead of passing them on. */
  swallows = false;
  /** Changes what the server sends, text of Latin-1. */
  alter: (text: string) => string = (text) => text;

  /**
   * A relay that is whole.
   *
   * @param port of the server on loopback
   */
  constructor(port: number) {
    this.#port = port;
    void this.#accept().catch(() => {});
  }

  /** Where it is reached. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conn of this.#conns) closeQuietly(conn);
  }

  /** The last captured request of a function. */
  get lastRequest(): string {
    return this.captured.findLast(isInvocation)!;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#carry(client).catch(() => {});
  }

  async #carry(client: Deno.Conn): Promise<void> {
    this.#conns.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#port })
      .catch(() => this.#close(client));
    if (!server) return;
    this.#conns.add(server);
    const there = this.#pump(client, server, (text) => {
      this.captured.push(text);
      return this.swallows && isInvocation(text) ? undefined : text;
    });
    const back = this.#pump(server, client, (text) => this.alter(text));
    await Promise.race([there, back]);
    for (const conn of [client, server]) this.#close(conn);
  }

  #close(conn: Deno.Conn): undefined {
    closeQuietly(conn);
    this.#conns.delete(conn);
  }

  async #pump(
    from: Deno.Conn,
    to: Deno.Conn,
    change: (text: string) => string | undefined,
  ): Promise<void> {
    const buffer = new Uint8Array(1 << 20);
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        const text = change(
          Array.from(buffer.subarray(0, n), (b) => String.fromCharCode(b)).join(""),
        );
        if (text === undefined) return;
        const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
        for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
      }
    } catch {
      // One end has broken, and so does the other.
    }
  }
}

function isInvocation(text: string): boolean {
  return /^[A-Z]+ \/(invoke|fn)\//.test(text);
}
