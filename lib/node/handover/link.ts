/**
 * Connection between the two processes of a node during a handover: JSON messages over a unix socket that only
 * the node's user can reach. Its end tells each process that the other has ended.
 *
 * @module
 */

import * as v from "valibot";
import { closeQuietly } from "../../base/close.ts";
import { FrameReader, receive } from "../../runtime/wire/frames.ts";
import { FrameWriter } from "../../runtime/wire/frame_writer.ts";

/** Version of the messages. Processes of different versions do not hand over. */
export const protocolVersion = 1;

/** Maximum length of a message, bytes. */
const maxMessageBytes = 1 << 20;

/** Where a process listens. */
const addressSchema = v.object({ hostname: v.string(), port: v.number() });

/** Where the successor accepts what the predecessor still receives. */
export const endpointSchema = v.object({ url: v.string(), token: v.string() });

/** Where the successor accepts what the predecessor still receives. */
export type Endpoint = v.InferOutput<typeof endpointSchema>;

/** Messages of both processes. */
const messageSchema = v.variant("type", [
  /** First message of the successor. */
  v.object({ type: v.literal("hello"), protocol: v.number(), version: v.string() }),
  /** The answer to it: the ports that the successor shares from now on. */
  v.object({
    type: v.literal("ports"),
    protocol: v.number(),
    version: v.string(),
    nodeId: v.string(),
    /** Id of the user that runs the process. */
    uid: v.nullable(v.number()),
    /** Number of instances of each function. */
    instances: v.record(v.string(), v.number()),
    plain: v.optional(addressSchema),
    tls: v.optional(addressSchema),
  }),
  /** The answer to it if there can be no handover now; soon, if `isBrief` is true. */
  v.object({ type: v.literal("refused"), reason: v.string(), isBrief: v.boolean() }),
  /** The successor serves requests: the predecessor sends it those that still arrive, and ends. */
  v.object({ type: v.literal("takeOver"), endpoint: endpointSchema }),
]);

/** Message of a handover. */
export type Message = v.InferOutput<typeof messageSchema>;

/** Connection to the other process. Disposing it closes it. */
export class Link implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #reader = new FrameReader(maxMessageBytes);
  readonly #writer: FrameWriter;

  /** Wraps a connection of which nothing has been read. */
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#writer = new FrameWriter(conn, () => this[Symbol.dispose]());
  }

  /** Sends a message, unless the other process has ended. Resolves when it is sent. */
  send(message: Message): Promise<void> {
    this.#writer.add(JSON.stringify(message));
    return this.#writer.flushed;
  }

  /**
   * Waits for the next message.
   *
   * @returns undefined if the other process has ended, or sent something else
   */
  async next(): Promise<Message | undefined> {
    try {
      for (;;) {
        const text = this.#reader.next();
        if (text !== undefined) return v.parse(messageSchema, JSON.parse(text));
        if (!await receive(this.#conn, this.#reader)) return undefined;
      }
    } catch {
      return undefined;
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#writer.close();
    closeQuietly(this.#conn);
  }
}
