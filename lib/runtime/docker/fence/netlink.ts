/**
 * Encoding of netlink messages, by which programs configure the kernel's network. Headers are in the
 * machine's byte order, which is little-endian on all supported machines; numbers in values are big-endian.
 *
 * @module
 * @see netlink(7)
 */

import { concatBytes } from "../../../base/bytes.ts";

/** Encoded part of a message. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Type of an attribute whose value consists of attributes. */
const nestedFlag = 0x8000;
const attributeHeaderBytes = 4;
const messageHeaderBytes = 16;
/** Message is a request: the least of all flags. */
const requestFlag = 1;

/** Creates an attribute. */
export function attribute(type: number, value: Uint8Array): Bytes {
  const length = attributeHeaderBytes + value.length;
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  bytes.set(value, attributeHeaderBytes);
  return bytes;
}

/** Creates an attribute that contains others. */
export function nested(type: number, ...attributes: readonly Bytes[]): Bytes {
  return attribute(type | nestedFlag, concatBytes(attributes));
}

/** Creates an attribute with a text, which ends with a NUL. */
export function text(type: number, value: string): Bytes {
  return attribute(type, new TextEncoder().encode(`${value}\0`));
}

/** Creates an attribute with a number of 32 bits, signed or not. */
export function number(type: number, value: number): Bytes {
  return attribute(type, bigEndian(value, 4));
}

/**
 * Encodes a number in network order.
 *
 * @param size 2 or 4 bytes
 */
export function bigEndian(value: number, size: 2 | 4): Bytes {
  return Uint8Array.from({ length: size }, (_, at) => value >>> 8 * (size - 1 - at));
}

/**
 * Creates a request.
 *
 * @param flags flags in addition to the request's own (`NLM_F_...`)
 */
export function message(type: number, flags: number, ...parts: readonly Bytes[]): Bytes {
  const bytes = concatBytes([new Uint8Array(messageHeaderBytes), ...parts]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | requestFlag, true);
  return bytes;
}
