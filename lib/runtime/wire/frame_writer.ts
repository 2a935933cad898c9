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
  /** Resolved when the frames of {@link FrameWriter.#filling} are written; created on demand. */
  #flushed: PromiseWithResolvers<void> | undefined;
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
   * Adds a frame, which is written in the same turn of the event loop or after earlier frames. Nothing is
   * added after the writer was closed or a write has failed.
   *
   * @param text JSON
   * @param value JSON of its last value; the text must end before it and the closing brace
   * @throws `PAYLOAD_TOO_LARGE` if the frame exceeds the maximum; it is not written
   */
  add(text: string, value?: Uint8Array): void {
    if (!this.#open) return;
    this.#filling.add(text, value);
    if (this.#flushing) return;
    this.#flushing = true;
    void Promise.resolve().then(() => this.#flush());
  }

  /** Resolves when the frames that were added so far are written, or no more can be written. */
  get flushed(): Promise<void> {
    if (!this.#flushing) return Promise.resolve();
    this.#flushed ??= Promise.withResolvers();
    return this.#flushed.promise;
  }

  /** Stops writing. */
  close(): void {
    this.#open = false;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#open && this.#filling.length > 0) await this.#flushBatch();
    } catch {
      this.#open = false;
      this.#failed();
    } finally {
      this.#flushing = false;
      this.#flushed?.resolve();
      this.#flushed = undefined;
    }
  }

  async #flushBatch(): Promise<void> {
    const flushed = this.#flushed;
    this.#flushed = undefined;
    [this.#filling, this.#writing] = [this.#writing, this.#filling];
    try {
      const bytes = this.#writing.bytes();
      let sent = await this.#conn.write(bytes);
      while (sent < bytes.length) sent += await this.#conn.write(bytes.subarray(sent));
      this.#writing.clear();
    } finally {
      flushed?.resolve();
    }
  }
}
