/**
 * Pipe on which a sandbox sends output and replies without waiting for the event loop. It is the standard
 * output of the process, which code of functions cannot access. Frames have the format of the connection's.
 *
 * @module
 */

import { FrameBatch } from "../../wire/frames.ts";

/** Sends messages synchronously. */
export class OutputPipe {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #batch = new FrameBatch();

  /**
   * Creates a pipe over a blocking write.
   *
   * @param write writes bytes synchronously and returns their number; blocks while the node reads slowly
   */
  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write;
  }

  /**
   * Sends a message and returns when it is written.
   *
   * @throws `PAYLOAD_TOO_LARGE` if the message is too long; in that case nothing is sent
   */
  send(message: object): void {
    this.#batch.add(JSON.stringify(message));
    const bytes = this.#batch.bytes();
    for (let at = 0; at < bytes.length;) at += this.#write(bytes.subarray(at));
    this.#batch.clear();
  }
}
