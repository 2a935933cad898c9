/**
 * A server whose connections are scripted byte by byte.
 *
 * @module
 */

/** Serves one request; `text` is its head and, if its head tells a length, its body. */
export type RawService = (conn: Deno.Conn, text: string, count: number) => Promise<unknown>;

/** A server on loopback. Disposing it closes its connections. */
export class RawServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serve: RawService;
  /** Connections that came, in order. */
  readonly conns = new Set<Deno.Conn>();
  /** Whole requests that came. */
  readonly requests: string[] = [];
  /** How many connections have ended or broken, by either side. */
  ended = 0;

  constructor(serve: RawService) {
    this.#serve = serve;
    void this.#accept();
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conn of this.conns) closeQuietly(conn);
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      this.conns.add(conn);
      void this.#read(conn).catch(() => {}).finally(() => this.ended++);
    }
  }

  async #read(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(1 << 20);
    let text = "";
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      text += new TextDecoder().decode(buffer.subarray(0, count));
      const [head, body] = text.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(head!)?.[1] ?? 0);
      if (body === undefined || new TextEncoder().encode(body).length < length) continue;
      this.requests.push(text);
      text = "";
      await this.#serve(conn, this.requests.at(-1)!, this.requests.length);
    }
  }
}

/** Closes a connection that may be closed. */
export function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // The test has closed it.
  }
}

/** Writes text as it is. */
export function say(conn: Deno.Conn, text: string): Promise<number> {
  return conn.write(new TextEncoder().encode(text));
}

/** Writes an answer whose head tells its length. */
export function sayWhole(conn: Deno.Conn, body: string, status = 200): Promise<number> {
  const { length } = new TextEncoder().encode(body);
  return say(conn, `HTTP/1.1 ${status} X\r\ncontent-length: ${length}\r\n\r\n${body}`);
}
