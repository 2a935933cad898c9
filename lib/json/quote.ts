/**
 * Quoting of long texts, in slices.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";

const encoder = new TextEncoder();

/**
 * Makes a string of JSON.
 *
 * @param text must not change meanwhile
 * @returns the parts of the string, the quotes aside; undefined if the text is not UTF-8
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
      // A character that is cut comes with the next slice.
      const quoted = JSON.stringify(decoder.decode(slice, { stream: !isLast }));
      parts.push(encoder.encode(quoted).subarray(1, -1));
    } catch {
      isText = false;
    }
    return isLast || !isText;
  });
  return isText ? parts : undefined;
}
