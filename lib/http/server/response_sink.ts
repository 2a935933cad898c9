/**
 * Writes responses to the connection of a client.
 *
 * @module
 */

import type { Rope } from "../../base/rope.ts";
import { ConnectionBroken } from "../failures.ts";
import { latin1Bytes } from "../latin1.ts";
import { type ByteSink, chunkOf, joinText, lastChunk, maxJoinedBytes } from "../output.ts";
import type { ClientWatch } from "./client_watch.ts";

/** Leading zeros that are allowed in the length of a chunk. */
const chunkPrefix = "0".repeat(8);

/** Listener for waits on the client while a response is sent. */
export interface Sending {
  /** Called when a write starts to wait for the client. */
  begun(): void;
  /** Called when the client has accepted the data. */
  ended(): void;
}

/** Writes responses to one connection. */
export class ResponseSink {
  readonly #conn: ByteSink;
  readonly #sending: Sending;
  #writing: Promise<unknown> | undefined;
  #abandoned: PromiseWithResolvers<never> | undefined;

  /**
   * Creates a sink that has written nothing.
   *
   * @param sending receives the beginning and the end of each response
   */
  constructor(conn: ByteSink, sending: Sending) {
    this.#conn = conn;
    this.#sending = sending;
  }

  /** Resolves when no write is in progress. */
  get idle(): Promise<void> {
    return Promise.resolve(this.#writing).then(() => {}, () => {});
  }

  /**
   * Sends a complete response, in one write if it is small.
   *
   * @param body body of the response; undefined: only the head is sent
   * @param sent number of bytes of the head that were already sent
   * @throws if the client does not accept it
   */
  async whole(head: string, body: Uint8Array | Rope | undefined, sent = 0): Promise<void> {
    if (body instanceof Uint8Array && body.length <= maxJoinedBytes) {
      return await this.write(joinText(head, body).subarray(sent));
    }
    await this.write(latin1Bytes(head).subarray(sent));
    if (body) await this.#writeLarge(body);
  }

  /**
   * Sends a response while its body arrives.
   *
   * @param body body of the response; cancelled if the client accepts no more
   * @param isChunked whether the body is sent in chunks; otherwise it ends with the connection
   * @param watch reports how much of the head was already sent
   * @throws if the body fails, or the client does not accept it
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
        // An empty chunk would end the body.
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
   * @throws if the client does not accept them
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
   * Releases the data of the write in progress. The write itself continues after the connection is
   * closed: a client that accepts no data can keep it, and its descriptor, for any time.
   */
  abandon(): void {
    this.#abandoned?.reject(new ConnectionBroken("The connection was closed"));
  }

  /** Writes copied pieces. A client that accepts no data keeps only one of them in memory. */
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
