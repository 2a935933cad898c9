/**
 * JSON on its way into a WebAssembly module's memory and out of it.
 *
 * @module
 */

import { maxFrameBytes } from "../../../wire/frames.ts";

const strict = new TextDecoder("utf-8", { fatal: true });

/** Exports of a module that takes and gives JSON. */
export interface JsonExports {
  /** Makes room for so many bytes. */
  readonly alloc: (length: number) => number;
  /** Takes a result back, with its pointer and length; not every module has it. */
  readonly dealloc?: (pointer: number, length: number) => void;
}

/** Says that a module breaks the rules of calls with JSON. */
export class PointerError extends Error {
  /** The class. */
  override readonly name = "PointerError";
}

/** Says that a result is longer than what can be sent. */
export class ResultLimit extends Error {
  /** The class. */
  override readonly name = "ResultLimit";
}

/**
 * Calls a handler.
 *
 * @param handler takes pointer and length of the params, gives those of the result: the pointer in
 *   the upper 32 bits, the length in the lower
 * @param exports of the same instance
 * @param memory of the same instance
 * @returns the JSON of its result
 * @throws {PointerError} and whatever the module throws
 */
export function callWithJson(
  handler: (pointer: number, length: number) => bigint,
  exports: JsonExports,
  memory: WebAssembly.Memory,
  params: Uint8Array,
): string {
  const room = exports.alloc(params.length) >>> 0;
  if (room === 0) {
    throw new PointerError(`alloc(${params.length}) gave 0: is its memory too small?`);
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
 * The JSON that bytes stand for: themselves if they are JSON; nothing is null; other text is a
 * string; both without the newline that ends them; other bytes are the body of an HTTP response.
 *
 * @param bytes what a module gave
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
  throw new PointerError(`${whose} points outside of the module's memory: ${at}, ${length} bytes`);
}
