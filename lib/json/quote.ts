/**
 * Quoting of long texts, in slices.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";

const encoder = new TextEncoder();

/**
 * Quotes a text as a string of JSON.
 *
 * @param text UTF-8; must not change during the call
 * @returns parts of the string, without its quotes; undefined if the text is not UTF-8
 */
export async function quoteText(text: Uint8Array): Promise<Uint8Array[] | undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts: Uint8Array[] = [];
  let at = 0;
  let isText = true;
  await inSlices(() => {
    const slice = text.subarray(at, at += sliceBytes);
    const isLast = at >= text.length;
    try {
      // The decoder keeps an incomplete character for the next slice.
      const quoted = JSON.stringify(decoder.decode(slice, { stream: !isLast }));
      parts.push(encoder.encode(quoted).subarray(1, -1));
    } catch {
      isText = false;
    }
    return isLast || !isText;
  });
  return isText ? parts : undefined;
}
