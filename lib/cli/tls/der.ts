/**
 * Writer of DER, the encoding of certificates (ITU-T X.690).
 *
 * @module
 */

/** Encoded value. */
export type Der = Uint8Array<ArrayBuffer>;

/**
 * Encodes a value.
 *
 * @param tag identifier octet
 * @param parts parts of the content
 */
export function der(tag: number, ...parts: readonly Uint8Array[]): Der {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 255];
  const encoded = new Uint8Array(1 + length.length + size);
  encoded.set([tag, ...length]);
  let at = 1 + length.length;
  for (const part of parts) {
    encoded.set(part, at);
    at += part.length;
  }
  return encoded;
}

/** Encodes a sequence. */
export function sequence(...parts: readonly Uint8Array[]): Der {
  return der(0x30, ...parts);
}

/**
 * Encodes a non-negative integer.
 *
 * @param bytes big-endian, with or without leading zeros
 */
export function integer(bytes: Uint8Array): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return digits[0]! < 0x80 ? der(0x02, digits) : der(0x02, Uint8Array.of(0), digits);
}

/** Encodes an object identifier, e.g. `2.5.29.17`. */
export function objectId(text: string): Der {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  const arcs = [40 * first + second, ...others];
  return der(0x06, Uint8Array.from(arcs.flatMap(base128)));
}

/** Encodes text as UTF-8. */
export function utf8(text: string): Der {
  return der(0x0c, new TextEncoder().encode(text));
}

/** Encodes a bit string whose length is a multiple of 8, or that ends with unused bits. */
export function bitString(bytes: Uint8Array, unused = 0): Der {
  return der(0x03, Uint8Array.of(unused), bytes);
}

/** Encodes bytes. */
export function octetString(bytes: Uint8Array): Der {
  return der(0x04, bytes);
}

/** Encodes a time as certificates require it: with two digits of the year until 2049 (RFC 5280, 4.1.2.5). */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, "");
  const isShort = Number(digits.slice(0, 4)) < 2050;
  return der(isShort ? 0x17 : 0x18, new TextEncoder().encode(isShort ? digits.slice(2) : digits));
}

function base128(arc: number): number[] {
  const septets = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) septets.unshift(rest & 0x7f | 0x80);
  return septets;
}
