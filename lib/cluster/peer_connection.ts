/**
 * Kept-alive HTTP/1 connections to one peer.
 *
 * Not Deno's `fetch`: where a kept connection closes early it sends the request again by itself, and
 * the first one may have run. Here a request is sent again only if its last byte was surely never
 * sent. While a connection is idle a read is pending on it, so that one that the peer has closed is
 * dropped at once and almost never used.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { AnswerReader, type ByteSource, type HttpAnswer } from "../runtime/docker/http_exchange.ts";

/** Longest answer that is taken, bytes. */
const maxAnswerBytes = 256 << 20;
/** Longest wait for a connection, ms. */
const connectTimeoutMs = 2000;
/** Most idle connections kept to one peer. */
const maxIdle = 64;
/** Most requests on the way to one peer. */
const maxExchanges = 4096;

/** The connection broke when the request may have begun to run. */
export class BrokenExchange extends Error {
  /** The class, for logs. */
  override readonly name = "BrokenExchange";
}

/** Bytes of a connection, read ahead by one chunk. */
class ReadAhead implements ByteSource {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(16 << 10);
  #next: Promise<number | null>;
  #start = 0;
  #end = 0;
  #over = false;

  readonly #onEnd: () => void;

  constructor(conn: Deno.Conn, onEnd: () => void) {
    this.#conn = conn;
    this.#onEnd = onEnd;
    this.#next = this.#fill();
  }

  /** True while nothing has come that was not asked for. */
  get quiet(): boolean {
    return !this.#over && this.#start === this.#end;
  }

  async read(target: Uint8Array): Promise<number | null> {
    if (this.#start === this.#end && await this.#next === null) return null;
    const part = this.#buffer.subarray(
      this.#start,
      Math.min(this.#end, this.#start + target.length),
    );
    target.set(part);
    this.#start += part.length;
    if (this.#start === this.#end && !this.#over) this.#next = this.#fill();
    return part.length;
  }

  async #fill(): Promise<number | null> {
    this.#start = this.#end = 0;
    const count = await this.#conn.read(this.#buffer).catch(() => null);
    if (count === null) {
      this.#over = true;
      this.#onEnd();
    } else this.#end = count;
    return count;
  }
}

/** One connection. */
class Connection implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #source: ReadAhead;
  readonly #reader: AnswerReader;
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    conn.setNoDelay(true);
    this.#source = new ReadAhead(conn, () => this[Symbol.dispose]());
    this.#reader = new AnswerReader(this.#source, maxAnswerBytes);
  }

  /** True if another request can be sent. */
  get usable(): boolean {
    return !this.#closed && this.#source.quiet;
  }

  /** Sends a request. @returns false if the peer surely did not get all of it */
  async send(request: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < request.length;) at += await this.#conn.write(request.subarray(at));
      return true;
    } catch {
      return false;
    }
  }

  receive(): Promise<HttpAnswer> {
    return this.#reader.read();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

/** The connections to one peer. */
export class PeerConnections implements Disposable {
  readonly #hostname: string;
  readonly #port: number;
  readonly #idle: Connection[] = [];
  /** Exchanges under way. */
  readonly #active = new Set<AbortController>();
  #closed = false;

  /**
   * Connects to nothing yet.
   *
   * @param url of the peer, `http:`
   */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#hostname = hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(port || 80);
  }

  /**
   * Sends a request and reads its answer.
   *
   * @param request all its bytes
   * @param signal closes the connection
   * @throws `PEER_UNREACHABLE` if the peer surely did not get it, `NODE_SATURATED` if too many are
   *   on their way to it, {BrokenExchange} if it may have got it
   */
  async exchange(request: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    if (this.#active.size >= maxExchanges) throw saturated(this.#hostname, this.#port);
    const control = new AbortController();
    const leave = () => control.abort();
    signal.addEventListener("abort", leave);
    this.#active.add(control);
    if (signal.aborted || this.#closed) leave();
    let connection: Connection | undefined;
    const close = () => connection?.[Symbol.dispose]();
    control.signal.addEventListener("abort", close);
    try {
      connection = await this.#sent(request, control.signal, (made) => connection = made);
      const answer = await connection.receive();
      this.#keep(connection);
      return answer;
    } catch (cause) {
      close();
      if (cause instanceof ServerledgeError) throw cause;
      throw new BrokenExchange("The connection broke before the answer", { cause });
    } finally {
      signal.removeEventListener("abort", leave);
      this.#active.delete(control);
    }
  }

  /** Closes the idle ones, and the others when their exchange has ended; takes no more. */
  closeIdle(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }

  /** Closes all. */
  [Symbol.dispose](): void {
    this.closeIdle();
    for (const control of this.#active) control.abort();
  }

  /** A connection that has taken the whole request. */
  async #sent(
    request: Uint8Array,
    signal: AbortSignal,
    use: (connection: Connection) => void,
  ): Promise<Connection> {
    for (;;) {
      const kept = this.#takeIdle();
      const connection = kept ?? await this.#connect(signal);
      use(connection);
      if (!signal.aborted && await connection.send(request)) return connection;
      connection[Symbol.dispose]();
      // A fresh connection that breaks tells that the peer is going away.
      if (!kept || signal.aborted) throw unreachable(this.#hostname, this.#port);
    }
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection || connection.usable) return connection;
      connection[Symbol.dispose]();
    }
  }

  #keep(connection: Connection): void {
    if (this.#closed || this.#idle.length >= maxIdle || !connection.usable) {
      connection[Symbol.dispose]();
    } else this.#idle.push(connection);
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const control = new AbortController();
    const leave = () => control.abort();
    const timer = setTimeout(leave, connectTimeoutMs);
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    try {
      const options = { hostname: this.#hostname, port: this.#port, signal: control.signal };
      return new Connection(await Deno.connect(options));
    } catch (cause) {
      throw unreachable(this.#hostname, this.#port, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    }
  }
}

function unreachable(hostname: string, port: number, cause?: unknown): ServerledgeError {
  return new ServerledgeError(
    "PEER_UNREACHABLE",
    `No connection to the node at ${hostname} port ${port}: see that it runs and can be reached`,
    { cause },
  );
}

function saturated(hostname: string, port: number): ServerledgeError {
  return new ServerledgeError(
    "NODE_SATURATED",
    `${maxExchanges} requests are on their way to the node at ${hostname} port ${port} already`,
  );
}
