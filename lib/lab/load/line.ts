/**
 * One kept connection of a load generator: a request out in one write, its answer in, one after
 * the other. Between them a read is pending, so that a connection that the server closes is not
 * used again.
 *
 * @module
 */

import { BadMessage } from "../../http/failures.ts";
import { ResponseParser } from "./response_parser.ts";
import type { RequestKind, Shot } from "./plan.ts";

const bufferBytes = 32 << 10;

/** What went wrong with a connection; an outcome of its request. */
export type LineFailure = "connection_closed" | "bad_answer" | "timeout";

/** Who uses a line. */
export interface LineOwner {
  /** An answer is complete. The line is free, and may be used at once if it is still open. */
  answered(line: Line, shot: Shot, answer: ResponseParser): void;
  /** The line is closed; the request that was under way on it, if one was, has failed. */
  closed(line: Line, shot: Shot | undefined, failure: LineFailure): void;
}

/** One connection. */
export class Line {
  readonly #conn: Deno.Conn;
  readonly #owner: LineOwner;
  readonly #parser = new ResponseParser();
  readonly #buffer = new Uint8Array(bufferBytes);
  #shot: Shot | undefined;
  #unsent: Uint8Array | undefined;
  #isOpen = true;

  /**
   * A connection that was just made.
   *
   * @param conn owned by it from now on
   * @param owner told what happens
   */
  constructor(conn: Deno.Conn, owner: LineOwner) {
    this.#conn = conn;
    this.#owner = owner;
    this.#read();
  }

  /** True while requests can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The request under way. */
  get shot(): Shot | undefined {
    return this.#shot;
  }

  /**
   * Sends a request. None may be under way.
   *
   * @param shot the request
   * @param kind its bytes
   */
  send(shot: Shot, kind: RequestKind): void {
    this.#shot = shot;
    this.#parser.expect(kind.method, kind.judge !== undefined);
    this.#unsent = kind.bytes;
    this.#write();
  }

  /**
   * Closes it.
   *
   * @param failure outcome of the request under way
   */
  close(failure: LineFailure): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#conn.close();
    const shot = this.#shot;
    this.#shot = undefined;
    this.#owner.closed(this, shot, failure);
  }

  #write(): void {
    this.#conn.write(this.#unsent!).then(this.#onWritten, this.#onBroken);
  }

  #read(): void {
    this.#conn.read(this.#buffer).then(this.#onRead, this.#onBroken);
  }

  readonly #onWritten = (count: number) => {
    if (!this.#unsent) return;
    const isWhole = count === this.#unsent.length;
    this.#unsent = isWhole ? undefined : this.#unsent.subarray(count);
    if (!isWhole && this.#isOpen) this.#write();
  };

  readonly #onBroken = () => this.close("connection_closed");

  readonly #onRead = (count: number | null) => {
    if (!this.#isOpen) return;
    if (count === null) {
      // Else what is under way has failed, or an idle connection was closed.
      if (this.#shot && this.#parser.end()) this.#answered();
      return this.close("connection_closed");
    }
    if (!this.#shot) return this.close("bad_answer");
    try {
      if (this.#parser.push(this.#buffer.subarray(0, count))) this.#answered();
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      return this.close("bad_answer");
    }
    if (this.#isOpen) this.#read();
  };

  #answered(): void {
    const shot = this.#shot!;
    this.#shot = undefined;
    // A server that answers before it has read all would take the rest for the next request.
    if (!this.#parser.keepAlive || this.#unsent) {
      this.#isOpen = false;
      this.#conn.close();
    }
    this.#owner.answered(this, shot, this.#parser);
    if (!this.#isOpen) this.#owner.closed(this, undefined, "connection_closed");
  }
}
