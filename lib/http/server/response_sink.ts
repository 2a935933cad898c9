/**
 * A response on its way to the client.
 *
 * @module
 */

import type { Rope } from "../../base/rope.ts";
import { ConnectionBroken } from "../failures.ts";
import { latin1Bytes } from "../latin1.ts";
import { type ByteSink, chunkOf, joinText, lastChunk, maxJoinedBytes } from "../output.ts";
import type { ClientWatch } from "./client_watch.ts";

/** Zeros that may go before the length of a chunk. */
const chunkPrefix = "0".repeat(8);

/** Listener for waits on the client while a response is sent. */
export interface Sending {
  /** Something is to be taken by the client. */
  begun(): void;
  /** The client has taken it. */
  ended(): void;
}

/** Writes responses to one connection. */
export class ResponseSink {
  readonly #conn: ByteSink;
  readonly #sending: Sending;
  #writing: Promise<unknown> | undefined;
  #abandoned: PromiseWithResolvers<never> | undefined;

  constructor(conn: ByteSink, sending: Sending) {
    this.#conn = conn;
    this.#sending = sending;
  }

  /** Resolves when no write is under way. */
  get idle(): Promise<void> {
    return Promise.resolve(this.#writing).then(() => {}, () => {});
  }

  /**
   * Sends a response that is known whole, in one piece if it is small.
   *
   * @param body its body; undefined: only the head is sent
   * @param sent how many bytes of the head were sent ahead
   * @throws if the client does not take it
   */
  async whole(head: string, body: Uint8Array | Rope | undefined, sent = 0): Promise<void> {
    if (body instanceof Uint8Array && body.length <= maxJoinedBytes) {
      return await this.write(joinText(head, body).subarray(sent));
    }
    await this.write(latin1Bytes(head).subarray(sent));
    if (body) await this.#writeLarge(body);
  }

  /**
   * Sends a response as its body comes.
   *
   * @param body its body; cancelled if the client takes no more
   * @param isChunked whether it is sent in chunks; else it ends with the connection
   * @param watch knows what was sent ahead
   * @throws if the body fails, or the client does not take it
   */
  async stream(
    head: string,
    body: ReadableStream<Uint8Array>,
    isChunked: boolean,
    watch: ClientWatch,
  ): Promise<void> {
    const reader = body.getReader();
    const cancel = () => void reader.cancel().catch(() => {});
    watch.onDisconnect(cancel);
    try {
      await this.write(latin1Bytes(head).subarray(await watch.settle()));
      for (;;) {
        if (isChunked) watch.allow(chunkPrefix);
        const { done, value } = await reader.read();
        await watch.settle();
        if (watch.hasLeft) throw new ConnectionBroken("The client has disconnected");
        if (done) break;
        // A chunk without a byte would be the last one.
        if (value.length > 0) await this.#part(value, isChunked);
      }
      if (isChunked) await this.write(lastChunk);
    } catch (error) {
      cancel();
      throw error;
    }
  }

  /**
   * Sends bytes.
   *
   * @throws if the client does not take them
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > maxJoinedBytes) return await this.#writeLarge(bytes);
    for (let at = 0; at < bytes.length;) {
      this.#sending.begun();
      at += await this.#conn.write(at === 0 ? bytes : bytes.subarray(at));
    }
    this.#sending.ended();
  }

  /**
   * Holds no more of what is being sent. A client that takes nothing keeps a write, and with it the
   * descriptor, for as long as it likes: closing does not end that.
   */
  abandon(): void {
    this.#abandoned?.reject(new ConnectionBroken("The connection was closed"));
  }

  /** In pieces of their own, so that no more than one is kept by a client that takes nothing. */
  async #writeLarge(bytes: Uint8Array | Rope): Promise<void> {
    const abandoned = this.#abandoned ??= Promise.withResolvers<never>();
    for (let at = 0; at < bytes.length;) {
      this.#sending.begun();
      const writing = this.#conn.write(bytes.slice(at, at + maxJoinedBytes));
      this.#writing = writing;
      at += await Promise.race([writing, abandoned.promise]);
    }
    this.#writing = undefined;
    this.#sending.ended();
  }

  async #part(part: Uint8Array, isChunked: boolean): Promise<void> {
    if (!isChunked) return await this.write(part);
    for (const piece of chunkOf(part)) await this.write(piece);
  }
}
