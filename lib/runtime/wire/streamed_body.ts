/**
 * Response body that arrives in parts while the function still runs.
 *
 * @module
 */

import { FrameError } from "./frames.ts";
import { partCost, streamWindow } from "./stream_window.ts";

/** Response body that passes parts on when they are read, and holds at most a window of them. */
export class StreamedBody {
  /** Stream of the parts. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Called when the reader cancels the body before its end. */
  left: () => void = () => {};
  readonly #taken: (cost: number) => void;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #held = 0;
  /** True once no more parts are accepted. */
  #isEnded = false;
  /** True once no more parts are read. */
  #isOver = false;
  #wake: () => void = () => {};

  /**
   * Creates an empty body.
   *
   * @param taken called with the cost of each part that was read; the executor may send as much again
   */
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
   * Adds a part. Parts after the end are dropped.
   *
   * @param part bytes of the body
   * @throws {FrameError} if the unread parts exceed {@link streamWindow}
   */
  push(part: Uint8Array<ArrayBuffer>): void {
    if (this.#isEnded) return;
    this.#held += partCost(part.length);
    if (this.#held > streamWindow) throw new FrameError("more data was streamed than acknowledged");
    this.#waiting.push(part);
    this.#wake();
  }

  /**
   * Ends the body. The reader gets the remaining parts and then the end, or an error at once.
   *
   * @param error why the body is incomplete; without an error it is complete
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
