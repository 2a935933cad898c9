/**
 * Sends requests over kept-alive connections, each request once. Only one of which not a byte was
 * sent, on a connection that had been kept too long, goes over another.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { connect } from "./address.ts";
import { readWhole } from "./body.ts";
import type { Connection, IncomingResponse } from "./connection.ts";
import { NeverSent } from "./failures.ts";
import type { HeaderPair } from "./head.ts";
import type { HttpRequest } from "./request.ts";
import { IdlePool } from "./pool.ts";

/** Responses up to this size are not streamed, so that a broken one is reported as an error. */
const maxWholeBytes = 256 << 10;

/** A response. */
export interface HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Headers in their order, names in lower case. */
  readonly headers: readonly HeaderPair[];
  /** Body: whole if it is small; a stream must be read to its end or cancelled. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** A response whose body was read. */
export interface WholeResponse extends HttpResponse {
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An exchange of which the body is still to be read. One of the two methods ends it. */
interface Exchange extends IncomingResponse {
  /** Keeps the connection: the body was read. */
  readonly end: () => void;
  /** Closes the connection. */
  readonly drop: () => void;
}

/**
 * A client. Disposing it closes all its connections; requests under way break.
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

  /**
   * Sends a request and reads its response.
   *
   * @param url of the server; its path does not count
   * @param signal closes the connection
   * @param maxBytes longest body that is taken
   * @param reserve reserves the memory of the body as it arrives
   * @throws what `reserve` throws; {NeverSent} if not a byte of the request was sent; {ConnectionBroken} or {BadMessage}
   *   if it may have been carried out
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
   * Sends a request and passes its response on as it comes, but for small ones.
   *
   * @param url of the server; its path does not count
   * @param signal closes the connection, until the response's body has ended
   * @param ended called once when the exchange is over, however it went
   * @throws {NeverSent} if not a byte of the request was sent; {ConnectionBroken} or {BadMessage}
   *   if it may have been carried out
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

  /** Closes the idle connections to a server, and the others when their exchange has ended. */
  forget(url: string): void {
    this.#pools.get(url)?.[Symbol.dispose]();
    this.#pools.delete(url);
  }

  /** Closes the connections to servers that are no more, as {@link HttpClient.forget} does. */
  keepOnly(urls: ReadonlySet<string>): void {
    for (const url of [...this.#pools.keys()]) if (!urls.has(url)) this.forget(url);
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
      return { head, body, end: () => leave((connection) => pool.keep(connection)), drop };
    } catch (error) {
      drop();
      throw error;
    }
  }

  /** Sends over a kept connection, or else a new one; `use` receives each that is tried. */
  async #asked(
    pool: IdlePool,
    request: HttpRequest,
    signal: AbortSignal,
    use: (connection: Connection) => void,
  ): Promise<IncomingResponse> {
    const givenUp = () => signal.aborted || this.#stop.signal.aborted;
    if (givenUp()) throw new NeverSent("It was given up before it was sent");
    for (let kept = pool.take(); kept; kept = pool.take()) {
      use(kept);
      try {
        return await kept.ask(request);
      } catch (error) {
        kept[Symbol.dispose]();
        if (!(error instanceof NeverSent) || givenUp()) throw error;
      }
    }
    const fresh = await connect(pool.address, [signal, this.#stop.signal]);
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
