/**
 * Transfer of JSON into and out of a WebAssembly module's memory.
 *
 * @module
 */

import { maxFrameBytes } from "../../../wire/frames.ts";

const strict = new TextDecoder("utf-8", { fatal: true });

/** Exports of a module that receives and returns JSON. */
export interface JsonExports {
  /** Allocates memory of a length in bytes. */
  readonly alloc: (length: number) => number;
  /** Frees a result with its pointer and length. Optional. */
  readonly dealloc?: (pointer: number, length: number) => void;
}

/** Error: a module violates the calling convention for JSON. */
export class PointerError extends Error {
  override readonly name = "PointerError";
}

/** Error: a result is too long to be sent. */
export class ResultLimit extends Error {
  override readonly name = "ResultLimit";
}

/**
 * Calls a handler with JSON params.
 *
 * @param handler receives pointer and length of the params and returns those of the result: the pointer in
 *   the upper 32 bits, the length in the lower
 * @param exports of the same instance
 * @param memory of the same instance
 * @returns the JSON of its result
 * @throws {PointerError} and any error of the module
 */
export function callWithJson(
  handler: (pointer: number, length: number) => bigint,
  exports: JsonExports,
  memory: WebAssembly.Memory,
  params: Uint8Array,
): string {
  const room = exports.alloc(params.length) >>> 0;
  if (room === 0) {
    throw new PointerError(`alloc(${params.length}) returned 0: is the memory too small?`);
  }
  slice(memory, room, params.length, "alloc").set(params);
  const packed = BigInt.asUintN(64, handler(room, params.length));
  const pointer = Number(packed >> 32n);
  const length = Number(packed & 0xffff_ffffn);
  const result = bytesToJson(slice(memory, pointer, length, "the result"));
  if (length > 0) exports.dealloc?.(pointer, length);
  return result;
}

/**
 * Converts bytes to JSON. JSON stays as it is. No bytes become null. Other text becomes a string. JSON and
 * text lose their final newline. Bytes that are not UTF-8 become the body of an HTTP response.
 *
 * @param bytes returned by a module
 * @throws {ResultLimit}
 */
export function bytesToJson(bytes: Uint8Array): string {
  if (bytes.length === 0) return "null";
  if (bytes.length > maxFrameBytes) throw new ResultLimit();
  let text: string;
  try {
    text = strict.decode(bytes);
  } catch {
    return JSON.stringify({ statusCode: 200, body: bytes.toBase64(), isBase64Encoded: true });
  }
  if (text.endsWith("\n")) text = text.replace(/\r?\n$/, "");
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function slice(memory: WebAssembly.Memory, at: number, length: number, whose: string): Uint8Array {
  if (at + length <= memory.buffer.byteLength) return new Uint8Array(memory.buffer, at, length);
  throw new PointerError(`${whose} is outside the module's memory: address ${at}, ${length} bytes`);
}
