/**
 * Text in which each character stands for one byte, as in headers: whatever bytes come in one go
 * out unchanged in another.
 *
 * @module
 */

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** The text of bytes. */
export function latin1Text(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // What the platform calls latin1 is Windows' code page, which has other characters at 0x80 to 0x9f.
  return /[^\0-\xff]/.test(text) ? Array.from(bytes, (b) => String.fromCharCode(b)).join("") : text;
}

/**
 * The bytes of a text.
 *
 * @param text of characters below 256
 */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(text);
  return bytes.length === text.length ? bytes : Uint8Array.from(text, (c) => c.charCodeAt(0));
}
