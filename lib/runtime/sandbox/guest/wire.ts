/**
 * Sandbox's end of the executor channel.
 *
 * @module
 */

import { FrameReader } from "../../wire/frames.ts";
import { FrameWriter } from "../../wire/frame_writer.ts";

/** The connection to the node. */
export class Wire {
  readonly #conn: Deno.UnixConn;
  readonly #reader = new FrameReader();
  readonly #writer: FrameWriter;

  /** @param lost called when the node takes no more */
  constructor(conn: Deno.UnixConn, lost: () => void) {
    this.#conn = conn;
    this.#writer = new FrameWriter(conn, lost);
  }

  /**
   * Sends a message soon.
   *
   * @throws `PAYLOAD_TOO_LARGE`, and then nothing is sent
   */
  send(message: object): void {
    this.#writer.add(JSON.stringify(message));
  }

  /** Resolves when what was sent is on its way. */
  get flushed(): Promise<void> {
    return this.#writer.flushed;
  }

  /** Asks the event loop something without its counting that the sandbox listens here. */
  unnoticed<T>(question: () => T): T {
    this.#conn.unref();
    try {
      return question();
    } finally {
      this.#conn.ref();
    }
  }

  /**
   * Waits for the next message.
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
   * Hands every message to somebody, those that arrived together in one turn.
   *
   * @param accept takes them, parsed and as they came
   * @returns when the node has closed the connection
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
