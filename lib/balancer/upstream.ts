/**
 * Exchanges with nodes over kept-alive connections, each sent once and never repeated here.
 *
 * @module
 */

import { abortable } from "../base/async.ts";
import { type BodyState, bodyState, Connection, type UpstreamRequest } from "./connection.ts";
import type { AnswerHead, HeaderPair } from "./http_head.ts";

/** Time for a connection to be made, ms. */
const connectTimeoutMs = 2_000;
/** Idle connections kept for each node. */
const maxIdle = 128;
/** Answers up to this size are read whole, so that one that breaks off is told as an error. */
const maxWholeBytes = 256 << 10;

/** No connection could be made: the request was surely not sent. */
export class ConnectFailed extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectFailed";
}

/** An answer. */
export interface UpstreamAnswer {
  /** Status code. */
  readonly status: number;
  /** Headers in their order, names in lower case. */
  readonly headers: readonly HeaderPair[];
  /** Body: whole if it is small; a stream must be read to its end or cancelled. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** Connections to all nodes. Disposing it closes those that are idle; the others when they end. */
export class Upstreams implements Disposable {
  readonly #idle = new Map<string, Connection[]>();
  #disposed = false;

  /**
   * Sends a request and waits for its answer.
   *
   * @param url of the node
   * @param request what to send
   * @param signal closes the connection, until the answer's body has ended
   * @param ended called once when the exchange is over, however it went
   * @throws {ConnectFailed} if it surely was not sent; {ConnectionBroken} or {BadMessage} of
   *   `connection.ts` if it may have been carried out
   */
  async send(
    url: string,
    request: UpstreamRequest,
    signal: AbortSignal,
    ended: () => void = () => {},
  ): Promise<UpstreamAnswer> {
    let connection: Connection;
    try {
      if (signal.aborted) throw new ConnectFailed("given up before it was sent");
      connection = this.#takeIdle(url) ?? new Connection(await connect(url, signal));
    } catch (error) {
      ended();
      throw error;
    }
    const close = () => connection[Symbol.dispose]();
    const end = () => {
      signal.removeEventListener("abort", close);
      ended();
    };
    signal.addEventListener("abort", close, { once: true });
    try {
      const head = await connection.ask(request);
      const body = bodyState(head.framing);
      const keep = () => {
        end();
        this.#keep(url, connection, head);
      };
      if (typeof head.framing === "number" && head.framing <= maxWholeBytes) {
        const whole = await readWhole(connection, body);
        keep();
        return { ...head, body: whole };
      }
      const drop = () => {
        end();
        close();
      };
      return { ...head, body: streamOf(connection, body, keep, drop) };
    } catch (error) {
      end();
      close();
      throw error;
    }
  }

  /** Closes the idle connections to a node. */
  forget(url: string): void {
    for (const connection of this.#idle.get(url) ?? []) connection[Symbol.dispose]();
    this.#idle.delete(url);
  }

  /** Closes all idle connections. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const url of [...this.#idle.keys()]) this.forget(url);
  }

  #takeIdle(url: string): Connection | undefined {
    const idle = this.#idle.get(url);
    for (let connection = idle?.pop(); connection; connection = idle?.pop()) {
      if (!connection.isClosed) return connection;
    }
    return undefined;
  }

  /** An answer has ended: keeps its connection, if another request may follow. */
  #keep(url: string, connection: Connection, { keepAlive }: AnswerHead): void {
    const idle = this.#idle.get(url) ?? [];
    // A node that answered before it had read a whole request would take the rest for the next one.
    if (!keepAlive || !connection.isSent || this.#disposed || idle.length >= maxIdle) {
      connection[Symbol.dispose]();
      return;
    }
    this.#idle.set(url, idle);
    idle.push(connection);
    connection.idle(() => {
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
    });
  }
}

async function connect(url: string, signal: AbortSignal): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(url);
  const connecting = Deno.connect({
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port) || 80,
  });
  const late = new AbortController();
  const giveUp = () => late.abort();
  const timer = setTimeout(giveUp, connectTimeoutMs);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const conn = await abortable(connecting, late.signal);
    conn.setNoDelay(true);
    return conn;
  } catch (cause) {
    // One that comes up too late is closed, unused.
    connecting.then((conn) => conn.close(), () => {});
    throw new ConnectFailed("no connection", { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

async function readWhole(
  connection: Connection,
  body: BodyState,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(body.left);
  for (let at = 0; at < whole.length;) {
    const part = await connection.part(body);
    whole.set(part!, at);
    at += part!.length;
  }
  return whole;
}

function streamOf(
  connection: Connection,
  body: BodyState,
  keep: () => void,
  drop: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const part = await connection.part(body);
        if (part) return controller.enqueue(part);
        keep();
        controller.close();
      } catch (error) {
        drop();
        controller.error(error);
      }
    },
    cancel: drop,
  });
}
