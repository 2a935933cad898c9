/**
 * The pipe by which a sandbox sends what need not wait for the event loop, output and replies: its
 * standard output, which code of functions does not reach. Frames are those of the connection.
 *
 * @module
 */

import { FrameBatch } from "../../wire/frames.ts";

/** Writes each message before it returns. */
export class OutputPipe {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #batch = new FrameBatch();

  /** @param write writes bytes at once and tells how many; waits where the node reads slowly */
  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write;
  }

  /**
   * Sends a message now.
   *
   * @param message what the node understands
   * @throws `PAYLOAD_TOO_LARGE`, and then nothing is sent
   */
  send(message: object): void {
    this.#batch.add(JSON.stringify(message));
    const bytes = this.#batch.bytes();
    for (let at = 0; at < bytes.length;) at += this.#write(bytes.subarray(at));
    this.#batch.clear();
  }
}
