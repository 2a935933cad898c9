/**
 * Conversion between bytes and text in which each character stands for one byte, as in headers.
 * So any bytes of a received header can be sent unchanged in another message.
 *
 * @module
 */

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** Converts bytes to text. */
export function latin1Text(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // The platform decodes latin1 as windows-1252, which has other characters at 0x80 to 0x9f.
  return /[^\0-\xff]/.test(text) ? Array.from(bytes, (b) => String.fromCharCode(b)).join("") : text;
}

/**
 * Converts text to bytes.
 *
 * @param text text of characters below 256
 */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(text);
  return bytes.length === text.length ? bytes : Uint8Array.from(text, (c) => c.charCodeAt(0));
}
