/**
 * An answer that is sent in parts while its call goes on.
 *
 * @module
 */

import { maxPartBytes, partCost, streamWindow } from "../../wire/stream_window.ts";

/** What an answer begins with. */
export interface AnswerHead {
  readonly status: number;
  /** Headers; names may come several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Begins an answer that is sent in parts. */
export type BeginAnswer = (head: AnswerHead) => Pick<ReplyStream, "write">;

/** What a stream needs. */
export interface ReplyStreamOptions {
  /** Id of the call. */
  readonly id: string;
  /** Sends a message to the node. */
  readonly send: (message: object) => void;
  /** Aborted when the call is cancelled. */
  readonly signal: AbortSignal;
}

/** Sends parts no faster than they are taken. */
export class ReplyStream {
  readonly #options: ReplyStreamOptions;
  #held = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  /** @param options what it needs */
  constructor(options: ReplyStreamOptions, head: AnswerHead) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#wake());
    options.send({ part: options.id, ...head });
  }

  /**
   * Sends bytes; resolves when more may be sent.
   *
   * @param bytes any number of them
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
      if (this.#isClosed) throw new Error("The call has ended");
      this.#held += cost;
      send({ part: id, data: part.toBase64() });
    }
  }

  /**
   * Parts were taken.
   *
   * @param cost what they count
   */
  taken(cost: number): void {
    this.#held -= cost;
    this.#wake();
  }

  /** The call has ended: nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }
}
