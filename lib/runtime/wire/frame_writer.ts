/**
 * Writer of frames to a stream. It writes the frames of one turn of the event loop together.
 *
 * @module
 */

import { FrameBatch } from "./frames.ts";

/** Writes frames in the order in which they are added. */
export class FrameWriter {
  readonly #conn: { write(bytes: Uint8Array): Promise<number> };
  readonly #failed: () => void;
  #filling = new FrameBatch();
  #writing = new FrameBatch();
  #flushing = false;
  #flushed = Promise.resolve();
  #open = true;

  /**
   * Creates a writer that has written nothing.
   *
   * @param conn the stream, which other code closes
   * @param failed called when a write to the stream fails; nothing is written afterwards
   */
  constructor(conn: { write(bytes: Uint8Array): Promise<number> }, failed: () => void) {
    this.#conn = conn;
    this.#failed = failed;
  }

  /**
   * Adds a frame, which is written in the same turn of the event loop or after earlier frames.
   *
   * @param text JSON
   * @param value JSON of its last value; the text must end before it and the closing brace
   * @throws `PAYLOAD_TOO_LARGE` if the frame exceeds the maximum; it is not written
   */
  add(text: string, value?: Uint8Array): void {
    this.#filling.add(text, value);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#flushed = Promise.resolve().then(() => this.#flush());
  }

  /** Resolves when all added frames are written, or no more can be written. */
  get flushed(): Promise<void> {
    return this.#flushed;
  }

  /** Stops writing. */
  close(): void {
    this.#open = false;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#open && this.#filling.length > 0) {
        [this.#filling, this.#writing] = [this.#writing, this.#filling];
        const bytes = this.#writing.bytes();
        let sent = await this.#conn.write(bytes);
        while (sent < bytes.length) sent += await this.#conn.write(bytes.subarray(sent));
        this.#writing.clear();
      }
    } catch {
      this.#open = false;
      this.#failed();
    } finally {
      this.#flushing = false;
    }
  }
}
