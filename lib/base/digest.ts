/**
 * Digests of data of any length.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Rope } from "./rope.ts";
import { inSlices } from "./slices.ts";

/** Bytes that are digested in one slice, in a few milliseconds. */
const sliceBytes = 1 << 20;

const encoder = new TextEncoder();

/**
 * Computes a digest in slices, so that long data does not block the event loop.
 *
 * @param data bytes, which must not change meanwhile, or text, of which the bytes in UTF-8 count
 * @returns its SHA-256 in lower-case hex
 */
export async function sha256(data: Uint8Array | Rope | string): Promise<string> {
  const hash = createHash("sha256");
  if (typeof data === "string") {
    if (data.length <= sliceBytes) return hash.update(data).digest("hex");
    return await sha256(encoder.encode(data));
  }
  const { length } = data;
  let at = 0;
  await inSlices(() => {
    const end = Math.min(at + sliceBytes, length);
    hash.update(data instanceof Uint8Array ? data.subarray(at, end) : data.slice(at, end));
    at = end;
    return at === length;
  });
  return hash.digest("hex");
}
