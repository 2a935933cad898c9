/**
 * Unpacking of deflated data, bounded and without holding up the event loop.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { createGunzip, createInflateRaw } from "node:zlib";
import { inSlices } from "../base/slices.ts";
import { BadArchive } from "./entries.ts";

/** Bytes that may come out before others get their turn; zlib alone never waits for them. */
const turnBytes = 1 << 20;
/** Bytes that are joined at once. */
const joinedBytes = 4 << 20;
/** Bytes that zlib hands over at once. */
const chunkSize = 256 << 10;

/**
 * Unpacks.
 *
 * @param packed the whole data; of gzip also several parts one after the other
 * @param format how it is packed
 * @param maxBytes most bytes that may come out
 * @throws {BadArchive} if more than `maxBytes` come out; otherwise an error of zlib
 */
export async function inflate(
  packed: Uint8Array,
  format: "gzip" | "deflate-raw",
  maxBytes: number,
): Promise<Uint8Array> {
  const stream = format === "gzip" ? createGunzip({ chunkSize }) : createInflateRaw({ chunkSize });
  stream.end(packed);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let turn = 0;
  // Leaving the loop destroys the stream.
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new BadArchive(`it unpacks to more than ${maxBytes} bytes`, undefined, true);
    }
    chunks.push(chunk);
    if (Math.floor(bytes / turnBytes) === turn) continue;
    turn = Math.floor(bytes / turnBytes);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return await joined(chunks, bytes);
}

async function joined(chunks: readonly Uint8Array[], bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  let next = 0;
  await inSlices(() => {
    const end = at + joinedBytes;
    while (next < chunks.length && at < end) {
      const chunk = chunks[next++]!;
      whole.set(chunk, at);
      at += chunk.length;
    }
    return next === chunks.length;
  });
  return whole;
}
