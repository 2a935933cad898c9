/**
 * Format of the engine's logs of containers without a terminal: frames of an
 * 8-byte header (stream, three zeros, big-endian length) and that many bytes.
 *
 * @module
 */

import type { WrittenLine } from "../../wire/call_output.ts";

const headerBytes = 8;

/**
 * Returns the text of both streams in the order in which it was written.
 *
 * @param bytes bytes from the engine; an incomplete frame is read as far as it has arrived
 */
export function readLogFrames(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const start = at + headerBytes;
    at = start + view.getUint32(at + 4);
    text += decoder.decode(bytes.subarray(start, at), { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Parses the lines of a log with timestamps, in the order of their times.
 *
 * @param text lines that begin with an RFC 3339 time with nanoseconds and a space
 */
export function readTimedLines(text: string): WrittenLine[] {
  const lines: WrittenLine[] = [];
  for (const line of text.split("\n")) {
    const gap = line.indexOf(" ");
    const time = Date.parse(line.slice(0, gap));
    if (gap > 0 && !Number.isNaN(time)) lines.push({ time, text: line.slice(gap + 1) });
  }
  return lines.sort((a, b) => a.time - b.time);
}
