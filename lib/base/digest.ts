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

/**
 * Computes a digest in slices, so that long data does not block the event loop.
 *
 * @param data data, which must not change meanwhile
 * @returns its SHA-256 in lower-case hex
 */
export async function sha256(data: Uint8Array | Rope): Promise<string> {
  const hash = createHash("sha256");
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
