/**
 * Frames of an HTTP/2 server on their way to a client, which can be asked to open another connection.
 *
 * @module
 */

import { type ByteSink, writeAll } from "../output.ts";

/** Length of a frame's header (RFC 9113, 4.1), bytes. */
const headerBytes = 9;

/**
 * GOAWAY with the greatest number of a stream (RFC 9113, 6.8): the client opens no more streams on this
 * connection, and all that it has opened are served.
 */
const goAway = new Uint8Array([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** Passes on the frames of a server. */
export class LeavingFrames {
  readonly #client: ByteSink;
  readonly #header = new Uint8Array(headerBytes);
  /** Number of bytes of the current frame's header that have passed, and of its payload that have not. */
  #begun = 0;
  #left = 0;
  #state: "open" | "leaving" | "left" = "open";
  #writing = Promise.resolve();

  /**
   * Creates a writer of which nothing has passed.
   *
   * @param client receives the frames
   */
  constructor(client: ByteSink) {
    this.#client = client;
  }

  /**
   * Passes on the next bytes.
   *
   * @param bytes not changed until the returned promise resolves
   */
  pass(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const end = this.#follow(bytes);
      if (this.#state !== "leaving" || end === undefined) {
        return await writeAll(this.#client, bytes);
      }
      this.#state = "left";
      await writeAll(this.#client, bytes.subarray(0, end));
      await writeAll(this.#client, goAway);
      await writeAll(this.#client, bytes.subarray(end));
    });
  }

  /** Asks the client to open another connection, between two frames. */
  leave(): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    // A failed write also fails the next one.
    this.#inTurn(async () => {
      if (this.#state !== "leaving" || this.#begun > 0 || this.#left > 0) return;
      this.#state = "left";
      await writeAll(this.#client, goAway);
    }).catch(() => {});
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    return this.#writing = this.#writing.then(write);
  }

  /** @returns where the last frame that ends within the bytes ends; undefined if none does */
  #follow(bytes: Uint8Array): number | undefined {
    let end: number | undefined;
    for (let at = 0; at < bytes.length;) {
      if (this.#begun < headerBytes) {
        this.#header[this.#begun++] = bytes[at++]!;
        if (this.#begun < headerBytes) continue;
        const [high, middle, low] = this.#header;
        this.#left = high! << 16 | middle! << 8 | low!;
      } else {
        const count = Math.min(this.#left, bytes.length - at);
        at += count;
        this.#left -= count;
      }
      if (this.#left > 0) continue;
      this.#begun = 0;
      end = at;
    }
    return end;
  }
}
