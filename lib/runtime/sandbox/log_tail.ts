/**
 * Tail of the log of a process, read at a limited rate.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
/** Maximum size of the tail, bytes. */
const maxKept = 64 << 10;
/** Bytes after which reading pauses, and the pause. A process that floods its log has to wait. */
const burstBytes = 256 << 10;
const pauseMs = 50;

/** Tail of a stream. */
export class LogTail {
  readonly #ended: Promise<void>;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #listener: ((chunk: Uint8Array) => void) | undefined;

  /**
   * Reads the stream to its end, in the background.
   *
   * @param stream output of the process
   */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#ended = this.#read(stream).catch(() => {});
  }

  /** Resolves when the stream has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Sets the listener, which receives the stored tail and then all new text. May be called once.
   *
   * @param listener receives text, split at any character
   */
  listen(listener: (text: string) => void): void {
    const decoder = new TextDecoder();
    this.#listener = (chunk) => listener(decoder.decode(chunk, { stream: true }));
    this.#chunks.forEach(this.#listener);
  }

  /** Returns the last lines. */
  lines(count: number): string {
    const decoder = new TextDecoder();
    const text = this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    const lines = text.split("\n");
    const open = lines.at(-1) === "" ? 1 : 0;
    return lines.slice(-count - open).join("\n");
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let burst = 0;
    for await (const chunk of stream) {
      this.#keep(chunk);
      burst += chunk.length;
      if (burst < burstBytes) continue;
      burst = 0;
      await pause(pauseMs);
    }
  }

  #keep(chunk: Uint8Array): void {
    this.#listener?.(chunk);
    this.#chunks.push(chunk.length > maxKept ? chunk.slice(-maxKept) : chunk);
    this.#size += chunk.length;
    while (this.#size > maxKept && this.#chunks.length > 1) {
      this.#size -= this.#chunks.shift()!.length;
    }
  }
}
