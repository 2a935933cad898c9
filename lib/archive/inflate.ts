/**
 * Bounded decompression that does not block the event loop.
 *
 * @module
 */

import { createGunzip, createInflateRaw } from "node:zlib";
import type { ReserveMemory } from "../base/reserve_memory.ts";
import { inSlices, slices } from "../base/slices.ts";
import { BadArchive } from "./entries.ts";

/** Bytes copied in one slice when the buffer grows. */
const copiedBytes = 4 << 20;
/** Size of zlib's output chunks, bytes. */
const chunkSize = 256 << 10;

/** Bounds of the output. */
export interface Inflated {
  /** Maximum size, bytes. */
  readonly maxBytes: number;
  /** Size according to the archive, bytes; memory is committed as the output arrives. */
  readonly expected: number;
  /** Reserves the memory of what comes out. */
  readonly reserve: ReserveMemory;
}

/**
 * Decompresses data.
 *
 * @param packed the whole data; of gzip also several parts one after the other
 * @param format how it is packed
 * @param inflated what may come out
 * @throws {BadArchive} if more than `maxBytes` come out; what `reserve` throws; otherwise an error of zlib
 */
export async function inflate(
  packed: Uint8Array,
  format: "gzip" | "deflate-raw",
  { maxBytes, expected, reserve }: Inflated,
): Promise<Uint8Array> {
  const stream = format === "gzip" ? createGunzip({ chunkSize }) : createInflateRaw({ chunkSize });
  stream.end(packed);
  let whole = new Uint8Array(Math.min(expected, maxBytes));
  let bytes = 0;
  // Leaving the loop destroys the stream.
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const at = bytes;
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new BadArchive(`it unpacks to more than ${maxBytes} bytes`, undefined, true);
    }
    reserve(chunk.length);
    if (bytes > whole.length) whole = await larger(whole, at, Math.max(bytes, 2 * at), reserve);
    whole.set(chunk, at);
    // Other work gets its turn, since zlib delivers buffered output without waiting.
    if (bytes >= chunkSize) await slices.run(() => true);
  }
  return whole.subarray(0, bytes);
}

/** A copy of the first `bytes` in front of more room; the old array may live as long as the new one. */
async function larger(old: Uint8Array, bytes: number, length: number, reserve: ReserveMemory) {
  reserve(bytes);
  const whole = new Uint8Array(length);
  let at = 0;
  await inSlices(() => {
    whole.set(old.subarray(at, Math.min(bytes, at + copiedBytes)), at);
    at += copiedBytes;
    return at >= bytes;
  });
  return whole;
}
