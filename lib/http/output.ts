/**
 * Writes the bytes of messages.
 *
 * @module
 */

import { latin1Bytes } from "./latin1.ts";

/** Maximum size of a body, or part of a body, that is sent in one write with the preceding text, bytes. */
export const maxJoinedBytes: number = 64 << 10;

/** Last chunk of a body. */
export const lastChunk: Uint8Array<ArrayBuffer> = latin1Bytes("0\r\n\r\n");

/** Destination of bytes. */
export type ByteSink = Pick<Deno.Conn, "write">;

const encoder = new TextEncoder();

/**
 * Writes all bytes, with several writes if necessary.
 */
export async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await sink.write(at === 0 ? bytes : bytes.subarray(at));
  }
}

/**
 * Returns the pieces in which a part of a chunked body is sent.
 *
 * @param part part of the body; must not be empty, since an empty chunk ends the body
 */
export function chunkOf(part: Uint8Array): Uint8Array[] {
  const size = `${part.length.toString(16)}\r\n`;
  if (part.length <= maxJoinedBytes) return [joinText(size, part, "\r\n")];
  return [latin1Bytes(size), part, latin1Bytes("\r\n")];
}

/**
 * Returns bytes between two texts.
 *
 * @param before text of characters below 256, each of which becomes a byte
 * @param after text of the same kind
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
