/**
 * Streamed response of a call that is still running.
 *
 * @module
 */

import { maxPartBytes, partCost, streamWindow } from "../../wire/stream_window.ts";

/** Status and headers of a streamed response. */
export interface AnswerHead {
  readonly status: number;
  /** Headers; a name may occur several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Begins a streamed response. */
export type BeginAnswer = (head: AnswerHead) => Pick<ReplyStream, "write">;

/** Options of {@link ReplyStream}. */
export interface ReplyStreamOptions {
  /** Id of the call. */
  readonly id: string;
  /** Sends a message to the node. */
  readonly send: (message: object) => void;
  /** Aborted when the call is cancelled. */
  readonly signal: AbortSignal;
}

/** Sends parts of a response no faster than the node acknowledges them. */
export class ReplyStream {
  readonly #options: ReplyStreamOptions;
  #held = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  /**
   * Sends the head of the response.
   *
   * @param head of the response
   */
  constructor(options: ReplyStreamOptions, head: AnswerHead) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#wake());
    options.send({ part: options.id, ...head });
  }

  /**
   * Sends bytes. Resolves when more bytes may be sent.
   *
   * @param bytes of any length
   * @throws the signal's reason, or an error if the call has ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    const { id, send, signal } = this.#options;
    for (let at = 0; at < bytes.length; at += maxPartBytes) {
      const part = bytes.subarray(at, at + maxPartBytes);
      const cost = partCost(part.length);
      while (!this.#isClosed && !signal.aborted && this.#held + cost > streamWindow) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      signal.throwIfAborted();
      if (this.#isClosed) throw new Error("The invocation has ended");
      this.#held += cost;
      send({ part: id, data: part.toBase64() });
    }
  }

  /**
   * Handles the acknowledgment of parts.
   *
   * @param cost of the acknowledged parts
   */
  taken(cost: number): void {
    this.#held -= cost;
    this.#wake();
  }

  /** Stops sending, because the call has ended. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }
}
