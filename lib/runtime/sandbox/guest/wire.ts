/**
 * Sandbox's end of the executor channel.
 *
 * @module
 */

import { FrameReader } from "../../wire/frames.ts";
import { FrameWriter } from "../../wire/frame_writer.ts";

/** Connection to the node. */
export class Wire {
  readonly #conn: Deno.UnixConn;
  readonly #reader = new FrameReader();
  readonly #writer: FrameWriter;

  /**
   * Wraps an open connection, of which nothing has been read.
   *
   * @param lost called when the node accepts no more data
   */
  constructor(conn: Deno.UnixConn, lost: () => void) {
    this.#conn = conn;
    this.#writer = new FrameWriter(conn, lost);
  }

  /**
   * Queues a message to be sent.
   *
   * @throws `PAYLOAD_TOO_LARGE` if the message is too long; in that case nothing is sent
   */
  send(message: object): void {
    this.sendText(JSON.stringify(message));
  }

  /** Queues the JSON of a message, like {@link Wire.send}. */
  sendText(text: string): void {
    this.#writer.add(text);
  }

  /** Resolves when all queued messages have been written. */
  get flushed(): Promise<void> {
    return this.#writer.flushed;
  }

  /** Runs a query of the event loop that does not count this connection's pending read. */
  unnoticed<T>(question: () => T): T {
    this.#conn.unref();
    try {
      return question();
    } finally {
      this.#conn.ref();
    }
  }

  /**
   * Receives the next message.
   *
   * @returns undefined when the node has closed the connection
   */
  async receive(): Promise<Record<string, unknown> | undefined> {
    for (;;) {
      const text = this.#reader.next();
      if (text !== undefined) return JSON.parse(text);
      const count = await this.#conn.read(this.#reader.space());
      if (count === null) return undefined;
      this.#reader.received(count);
    }
  }

  /**
   * Passes every message to a callback. Messages that arrived together are passed in one turn.
   *
   * @param accept receives each message, parsed and as the text of its frame
   * @returns a promise that resolves when the node has closed the connection
   */
  async run(accept: (message: Record<string, unknown>, text: string) => void): Promise<void> {
    for (;;) {
      for (let text = this.#reader.next(); text !== undefined; text = this.#reader.next()) {
        accept(JSON.parse(text), text);
      }
      const count = await this.#conn.read(this.#reader.space());
      if (count === null) return;
      this.#reader.received(count);
    }
  }
}
