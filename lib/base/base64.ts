/**
 * Base64 of long bodies, in slices (RFC 4648).
 *
 * @module
 */

import { inSlices, sliceBytes } from "./slices.ts";

/** Bytes that become whole groups of four characters. */
const encodedAtOnce = sliceBytes - sliceBytes % 3;
/** Characters that are decoded in one slice. */
export const decodedAtOnce = 1 << 20;
const padding = 0x3d;

const encoder = new TextEncoder();
/** One character for each byte. */
const decoder = new TextDecoder("latin1");

/**
 * Encodes bytes.
 *
 * @param bytes must not change meanwhile
 * @returns ASCII
 */
export async function encodeBase64(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  let length = 0;
  await inSlices(() => {
    const part = bytes.subarray(at, at += encodedAtOnce).toBase64();
    length += encoder.encodeInto(part, text.subarray(length)).written;
    return at >= bytes.length;
  });
  return text;
}

/**
 * Decodes text.
 *
 * @param text ASCII; space in it is skipped; must not change meanwhile
 * @param lastChunk `strict` where padding must be there
 * @throws {SyntaxError} if it is not base64
 */
export async function decodeBase64(
  text: Uint8Array,
  lastChunk: "loose" | "strict" = "loose",
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 3);
  let at = 0;
  let length = 0;
  let isLast = false;
  await inSlices(() => {
    const slice = text.subarray(at, at + decodedAtOnce);
    // Text after padding is validated by the last step, which gets the whole rest.
    isLast ||= at + decodedAtOnce >= text.length || slice.includes(padding);
    const part = decoder.decode(isLast ? text.subarray(at) : slice);
    const lastChunkHandling = isLast ? lastChunk : "stop-before-partial";
    const { read, written } = bytes.subarray(length).setFromBase64(part, { lastChunkHandling });
    at += read;
    length += written;
    const isDone = isLast;
    // Nothing but space and a part of a group: more has to be seen at once.
    if (read === 0) isLast = true;
    return isDone;
  });
  return bytes.subarray(0, length);
}
