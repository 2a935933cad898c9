/**
 * The connections to one server: as many as there are requests under way, up to a bound; beyond it
 * requests wait, which counts as part of their response time.
 *
 * @module
 */

import { closeQuietly } from "../../base/close.ts";
import type { ResponseParser } from "./response_parser.ts";
import { Line, type LineFailure, type LineOwner } from "./line.ts";
import type { Origin, RequestKind, Shot } from "./plan.ts";

/** Most requests that wait for a connection. */
const maxWaiting = 100_000;
/** Longest wait for a connection, ms. */
const connectTimeoutMs = 5_000;

/** How a request can end without an answer. */
export type Failure = LineFailure | "no_connection" | "not_sent";

/** Told how requests end. */
export interface ShotOwner {
  /** ms after the start. */
  now(): number;
  /** It was answered; the answer is valid during the call only. */
  answered(shot: Shot, answer: ResponseParser): void;
  /** It was not answered; the reason is told where there is one to tell. */
  failed(shot: Shot, failure: Failure, reason?: string): void;
  /** It has ended, answered or not, and its connection can be used again. */
  ended(shot: Shot, failure: Failure | undefined): void;
}

/** Connections to one server. */
export class LinePool implements LineOwner, Disposable {
  readonly #origin: Origin;
  readonly #kinds: readonly RequestKind[];
  readonly #maxLines: number;
  readonly #owner: ShotOwner;
  readonly #lines = new Set<Line>();
  readonly #idle: Line[] = [];
  readonly #over = new AbortController();
  #waiting: Shot[] = [];
  /** Place of the first of those that wait: taking it off an array would move all others. */
  #first = 0;
  #connecting = 0;
  #mostLines = 0;
  #hasWaited = false;

  /**
   * No connection yet.
   *
   * @param origin the server
   * @param kinds all kinds of the run
   * @param maxLines most connections
   * @param owner told how requests end
   */
  constructor(origin: Origin, kinds: readonly RequestKind[], maxLines: number, owner: ShotOwner) {
    this.#origin = origin;
    this.#kinds = kinds;
    this.#maxLines = maxLines;
    this.#owner = owner;
  }

  /** Most connections that there were at once. */
  get mostLines(): number {
    return this.#mostLines;
  }

  /** True if a request had to wait since there were as many connections as may be. */
  get wasExhausted(): boolean {
    return this.#hasWaited;
  }

  /**
   * Sends a request as soon as a connection is free.
   *
   * @param shot the request
   */
  dispatch(shot: Shot): void {
    const line = this.#idle.pop();
    if (line) return this.#send(line, shot);
    const waiting = this.#waiting.length - this.#first;
    if (waiting >= maxWaiting) return this.#fail(shot, "not_sent");
    this.#waiting.push(shot);
    if (this.#lines.size + this.#connecting >= this.#maxLines) this.#hasWaited = true;
    else if (this.#connecting <= waiting) void this.#connect();
  }

  /**
   * Gives up what is due for too long.
   *
   * @param dueMs what was due before has failed
   */
  expire(dueMs: number): void {
    for (const line of this.#lines) {
      if (line.shot && line.shot.dueMs < dueMs) line.close("timeout");
    }
    while (this.#first < this.#waiting.length && this.#waiting[this.#first]!.dueMs < dueMs) {
      this.#fail(this.#takeWaiting()!, "not_sent");
    }
  }

  /** Closes all connections; what is under way is not told any more. */
  [Symbol.dispose](): void {
    this.#over.abort();
    this.#waiting = [];
    this.#first = 0;
    for (const line of this.#lines) line.close("connection_closed");
  }

  /** Takes note of an answer and sends the next request. */
  answered(line: Line, shot: Shot, answer: ResponseParser): void {
    if (this.#over.signal.aborted) return;
    this.#owner.answered(shot, answer);
    if (line.isOpen) this.#free(line);
    this.#owner.ended(shot, undefined);
  }

  /** Takes note of the end of a connection. */
  closed(line: Line, shot: Shot | undefined, failure: LineFailure): void {
    this.#lines.delete(line);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#over.signal.aborted) return;
    this.#connectForWaiting();
    if (shot) this.#fail(shot, failure);
  }

  #fail(shot: Shot, failure: Failure, reason?: string): void {
    this.#owner.failed(shot, failure, reason);
    this.#owner.ended(shot, failure);
  }

  #free(line: Line): void {
    const next = this.#takeWaiting();
    if (next) this.#send(line, next);
    else this.#idle.push(line);
  }

  #send(line: Line, shot: Shot): void {
    shot.sentMs = this.#owner.now();
    line.send(shot, this.#kinds[shot.kind]!);
  }

  #takeWaiting(): Shot | undefined {
    if (this.#first === this.#waiting.length) return undefined;
    const shot = this.#waiting[this.#first++]!;
    if (this.#first === this.#waiting.length || this.#first > maxWaiting) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return shot;
  }

  /** A connection has ended, or did not come about: those that count on it need another. */
  #connectForWaiting(): void {
    if (this.#waiting.length - this.#first > this.#connecting) void this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#lines.size + this.#connecting >= this.#maxLines) return;
    this.#connecting++;
    const conn = await this.#tryConnect();
    this.#connecting--;
    const isThere = !(conn instanceof Error);
    if (this.#over.signal.aborted) {
      if (isThere) conn.close();
      return;
    }
    if (isThere) {
      const line = new Line(conn, this);
      this.#lines.add(line);
      this.#mostLines = Math.max(this.#mostLines, this.#lines.size);
      return this.#free(line);
    }
    const shot = this.#takeWaiting();
    this.#connectForWaiting();
    if (shot) this.#fail(shot, "no_connection", conn.message);
  }

  /** @returns why there is none, or the connection */
  async #tryConnect(): Promise<Deno.Conn | Error> {
    const { hostname, port, tls } = this.#origin;
    const abort = new AbortController();
    let conn: Deno.Conn | undefined;
    const giveUp = () => {
      abort.abort(new Error(`no answer within ${connectTimeoutMs / 1000} s`));
      closeQuietly(conn);
    };
    const timer = setTimeout(giveUp, connectTimeoutMs);
    this.#over.signal.addEventListener("abort", giveUp);
    try {
      const plain = await Deno.connect({ hostname, port, signal: abort.signal });
      conn = plain;
      plain.setNoDelay(true);
      if (!tls) return plain;
      const secured = await Deno.startTls(plain, { hostname });
      conn = secured;
      await secured.handshake();
      return secured;
    } catch (error) {
      closeQuietly(conn);
      return (abort.signal.aborted ? abort.signal.reason : error) as Error;
    } finally {
      clearTimeout(timer);
      this.#over.signal.removeEventListener("abort", giveUp);
    }
  }
}
