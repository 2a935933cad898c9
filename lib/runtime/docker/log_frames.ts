/**
 * The format in which the engine sends what a container without a terminal wrote: frames of an
 * 8-byte header (stream, three zeros, big-endian length) and that many bytes.
 *
 * @module
 */

const headerBytes = 8;

/**
 * The text of both streams, in the order in which it was written.
 *
 * @param bytes what the engine sent; a frame cut short is taken as far as it goes
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
