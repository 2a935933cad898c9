/**
 * Bytes of messages on their way out.
 *
 * @module
 */

import { latin1Bytes } from "./latin1.ts";

/** Bodies and parts of them up to this size are sent together with what goes before them. */
export const maxJoinedBytes: number = 64 << 10;

/** Ends a chunked body. */
export const lastChunk: Uint8Array<ArrayBuffer> = latin1Bytes("0\r\n\r\n");

/** Something to write bytes to. */
export type ByteSink = Pick<Deno.Conn, "write">;

const encoder = new TextEncoder();

/**
 * Writes all of the bytes.
 *
 * @param bytes any number
 */
export async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await sink.write(at === 0 ? bytes : bytes.subarray(at));
  }
}

/**
 * The pieces in which a part of a chunked body is sent.
 *
 * @param part not empty: that would be the last chunk
 */
export function chunkOf(part: Uint8Array): Uint8Array[] {
  const size = `${part.length.toString(16)}\r\n`;
  if (part.length <= maxJoinedBytes) return [joinText(size, part, "\r\n")];
  return [latin1Bytes(size), part, latin1Bytes("\r\n")];
}

/**
 * Text around bytes.
 *
 * @param before of characters below 256, each of which becomes a byte
 * @param after as `before`
 */
export function joinText(
  before: string,
  bytes: Uint8Array,
  after = "",
): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(before.length + bytes.length + after.length);
  const { read, written } = encoder.encodeInto(before, whole);
  if (read !== before.length || written !== before.length) whole.set(latin1Bytes(before));
  whole.set(bytes, before.length);
  if (after !== "") whole.set(latin1Bytes(after), before.length + bytes.length);
  return whole;
}
