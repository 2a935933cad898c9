/**
 * Response body that arrives in parts while its function still runs.
 *
 * @module
 */

import { FrameError } from "./frames.ts";
import { partCost, streamWindow } from "./stream_window.ts";

/** Passes parts on as fast as they are read, and no faster; holds a window of them at most. */
export class StreamedBody {
  /** The body. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Called when the reader gives the body up before its end. */
  left: () => void = () => {};
  readonly #taken: (cost: number) => void;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #held = 0;
  /** True once nothing more is put in. */
  #isEnded = false;
  /** True once nothing more is read. */
  #isOver = false;
  #wake: () => void = () => {};

  /** @param taken called with what was read, so that as much may be sent again */
  constructor(taken: (cost: number) => void) {
    this.#taken = taken;
    this.readable = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pass(),
      cancel: () => {
        this.#close();
        this.left();
      },
    }, { highWaterMark: 0 });
  }

  /**
   * Puts a part in.
   *
   * @param part some bytes; what comes behind the end is dropped
   * @throws {FrameError} if more is sent than was taken
   */
  push(part: Uint8Array<ArrayBuffer>): void {
    if (this.#isEnded) return;
    this.#held += partCost(part.length);
    if (this.#held > streamWindow) throw new FrameError("more was streamed than was taken");
    this.#waiting.push(part);
    this.#wake();
  }

  /**
   * Ends the body: whoever reads it gets the rest and then the end, or at once an error.
   *
   * @param error why it breaks off; without one it is complete
   */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (error) {
      this.#close();
      this.#controller.error(error);
    }
    this.#wake();
  }

  async #pass(): Promise<void> {
    while (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#isOver) return;
    const part = this.#waiting.shift();
    if (!part) return this.#controller.close();
    const cost = partCost(part.length);
    this.#held -= cost;
    this.#controller.enqueue(part);
    this.#taken(cost);
  }

  #close(): void {
    this.#isOver = this.#isEnded = true;
    this.#waiting.length = 0;
    this.#wake();
  }
}
