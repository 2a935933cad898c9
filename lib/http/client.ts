/**
 * Client that sends requests over persistent connections, each request once. It retries a request on
 * another connection only if a kept connection had ended before any byte of the request was sent.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import type { ReserveMemory } from "../base/reserve_memory.ts";
import { connect, type ConnectOptions } from "./address.ts";
import { readWhole } from "./body.ts";
import type { Connection, IncomingResponse } from "./connection.ts";
import { NeverSent, TlsFailed } from "./failures.ts";
import type { HeaderPair } from "./head.ts";
import type { HttpRequest } from "./request.ts";
import { IdlePool } from "./pool.ts";

const log = logger("http");

/** Maximum size of a body that is not streamed, bytes. If such a body breaks off, the request fails. */
const maxWholeBytes = 256 << 10;

/** Response that a client receives. */
export interface HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Headers in their order, names in lower case. */
  readonly headers: readonly HeaderPair[];
  /** Body: bytes if it is small, otherwise a stream, which must be read to its end or cancelled. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** Response of which the whole body was read. */
export interface WholeResponse extends HttpResponse {
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Exchange of which the body was not yet read. One of the two methods ends it. */
interface Exchange extends IncomingResponse {
  /** Keeps the connection after the body was read. */
  readonly end: () => void;
  /** Closes the connection. */
  readonly drop: () => void;
}

/**
 * HTTP client. Disposing it closes all its connections, and requests in progress fail.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await using server = Deno.serve(
 *   { hostname: "127.0.0.1", port: 0, onListen: () => {} },
 *   () => new Response("hello"),
 * );
 * using client = new HttpClient();
 * const { status, body } = await client.ask(
 *   `http://127.0.0.1:${server.addr.port}`,
 *   { method: "GET", path: "/", headers: [["host", "example"]], body: undefined },
 *   AbortSignal.timeout(5_000),
 *   1 << 20,
 * );
 * assert(status === 200 && new TextDecoder().decode(body) === "hello");
 * ```
 */
export class HttpClient implements Disposable {
  readonly #pools = new Map<string, IdlePool>();
  readonly #busy = new Set<Connection>();
  readonly #stop = new AbortController();
  readonly #options: ConnectOptions;
  /** Servers with which TLS could not be agreed on last time. */
  readonly #distrusted = new Set<string>();

  /** Creates a client without connections. */
  constructor(options: ConnectOptions = {}) {
    this.#options = options;
  }

  /**
   * Sends a request and reads its response.
   *
   * @param url URL of the server; its path is ignored
   * @param signal closes the connection when it is aborted
   * @param maxBytes maximum length of the body of the response
   * @param reserve reserves the memory of the body while it arrives
   * @throws {NeverSent} if no byte of the request was sent; {ConnectionBroken} or {BadMessage} if the
   *   server may have processed it; the errors of `reserve`
   */
  async ask(
    url: string,
    request: HttpRequest,
    signal: AbortSignal,
    maxBytes: number,
    reserve?: ReserveMemory,
  ): Promise<WholeResponse> {
    return await readBody(await this.#begin(url, request, signal), maxBytes, reserve);
  }

  /**
   * Sends a request and streams its response. The body of a small response is read first.
   *
   * @param url URL of the server; its path is ignored
   * @param signal closes the connection when it is aborted before the end of the body
   * @param ended called once when the exchange has ended or failed
   * @throws {NeverSent} if no byte of the request was sent; {ConnectionBroken} or {BadMessage}
   *   if the server may have processed it
   */
  async open(
    url: string,
    request: HttpRequest,
    signal: AbortSignal,
    ended: () => void,
  ): Promise<HttpResponse> {
    const exchange = await this.#begin(url, request, signal, ended);
    const { head: { status, headers }, body } = exchange;
    const isSmall = body.length !== undefined && body.length <= maxWholeBytes;
    if (isSmall) return await readBody(exchange, maxWholeBytes);
    return { status, headers, body: streamOf(exchange) };
  }

  /** Closes the idle connections to a server, and the others after their exchange. */
  forget(url: string): void {
    this.#pools.get(url)?.[Symbol.dispose]();
    this.#pools.delete(url);
  }

  /** Closes the connections to all other servers, as {@link HttpClient.forget} does. */
  keepOnly(urls: ReadonlySet<string>): void {
    for (const url of [...this.#pools.keys()]) if (!urls.has(url)) this.forget(url);
    for (const url of [...this.#distrusted]) if (!urls.has(url)) this.#distrusted.delete(url);
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#stop.abort();
    this.keepOnly(new Set());
    for (const connection of this.#busy) connection[Symbol.dispose]();
  }

  async #begin(
    url: string,
    request: HttpRequest,
    signal: AbortSignal,
    ended: () => void = () => {},
  ): Promise<Exchange> {
    const pool = this.#poolOf(url);
    let connection: Connection | undefined;
    let isOver = false;
    const close = () => connection?.[Symbol.dispose]();
    const use = (next: Connection) => {
      if (connection) this.#busy.delete(connection);
      this.#busy.add(connection = next);
      if (signal.aborted || this.#stop.signal.aborted) close();
    };
    const leave = (then: (connection: Connection) => void) => {
      if (isOver) return;
      isOver = true;
      signal.removeEventListener("abort", close);
      if (connection) {
        this.#busy.delete(connection);
        then(connection);
      }
      ended();
    };
    const drop = () => leave(close);
    signal.addEventListener("abort", close);
    try {
      const { head, body } = await this.#asked(pool, request, signal, use);
      this.#distrusted.delete(url);
      return { head, body, end: () => leave((connection) => pool.keep(connection)), drop };
    } catch (error) {
      if (error instanceof TlsFailed) this.#distrust(url, error);
      drop();
      throw error;
    }
  }

  /** Logs the first TLS failure of a server. */
  #distrust(url: string, { message }: TlsFailed): void {
    if (!this.#distrusted.has(url)) log.warn("{problem}", { problem: message });
    this.#distrusted.add(url);
  }

  /** Sends a request over a kept connection, or a new one. `use` receives each connection that is tried. */
  async #asked(
    pool: IdlePool,
    request: HttpRequest,
    signal: AbortSignal,
    use: (connection: Connection) => void,
  ): Promise<IncomingResponse> {
    const givenUp = () => signal.aborted || this.#stop.signal.aborted;
    if (givenUp()) throw new NeverSent("The request was cancelled before it was sent");
    for (let kept = pool.take(); kept; kept = pool.take()) {
      use(kept);
      try {
        return await kept.ask(request);
      } catch (error) {
        kept[Symbol.dispose]();
        if (!(error instanceof NeverSent) || givenUp()) throw error;
      }
    }
    const fresh = await connect(pool.address, [signal, this.#stop.signal], this.#options);
    use(fresh);
    return await fresh.ask(request);
  }

  #poolOf(url: string): IdlePool {
    let pool = this.#pools.get(url);
    if (!pool) this.#pools.set(url, pool = new IdlePool(url));
    return pool;
  }
}

async function readBody(
  { head: { status, headers }, body, end, drop }: Exchange,
  maxBytes: number,
  reserve?: ReserveMemory,
): Promise<WholeResponse> {
  try {
    const whole = await readWhole(body, maxBytes, reserve);
    end();
    return { status, headers, body: whole };
  } catch (error) {
    drop();
    throw error;
  }
}

function streamOf({ body, end, drop }: Exchange): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const part = await body.part();
        if (part) return controller.enqueue(part.slice());
        end();
        controller.close();
      } catch (error) {
        drop();
        controller.error(error);
      }
    },
    cancel: drop,
  });
}
