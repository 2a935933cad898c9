/**
 * Base64 encoding and decoding of long bodies in slices (RFC 4648).
 *
 * @module
 */

import { inSlices, sliceBytes } from "./slices.ts";

/** Bytes that are encoded in one slice: a multiple of three, which fills groups of four characters. */
const encodedAtOnce = sliceBytes - sliceBytes % 3;
/** Characters that are decoded in one slice. */
export const decodedAtOnce = 1 << 20;
const padding = 0x3d;

const encoder = new TextEncoder();
/** Decoder that returns one character for each byte. */
const decoder = new TextDecoder("latin1");

/**
 * Encodes bytes as Base64.
 *
 * @param bytes bytes that do not change until the promise resolves
 * @returns ASCII text
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
 * Decodes Base64.
 *
 * @param text ASCII text that does not change until the promise resolves; white space is skipped
 * @param lastChunk `strict` if padding is required
 * @throws {SyntaxError} if the text is not Base64
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
    // The last step decodes the whole rest, which validates the text after padding.
    isLast ||= at + decodedAtOnce >= text.length || slice.includes(padding);
    const part = decoder.decode(isLast ? text.subarray(at) : slice);
    const lastChunkHandling = isLast ? lastChunk : "stop-before-partial";
    const { read, written } = bytes.subarray(length).setFromBase64(part, { lastChunkHandling });
    at += read;
    length += written;
    const isDone = isLast;
    // The slice contains only white space and a part of a group, so the rest must be decoded at once.
    if (read === 0) isLast = true;
    return isDone;
  });
  return bytes.subarray(0, length);
}
