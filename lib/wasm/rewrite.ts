/**
 * Encoding of parts of WebAssembly modules (WebAssembly Core Specification 2.0, chapter 5).
 *
 * @module
 */

import { WasmReader, type WasmSection } from "./binary.ts";

const encoder = new TextEncoder();

/** Encodes a section. */
export function section(id: number, body: readonly number[]): Uint8Array {
  return Uint8Array.from([id, ...leb(body.length), ...body]);
}

/**
 * Encodes a list section with additional entries.
 *
 * @param bytes of the module
 * @param where position of the section
 * @param entries encoded entries to add
 */
export function withEntries(
  bytes: Uint8Array,
  { id, body, end }: WasmSection,
  entries: readonly (readonly number[])[],
): Uint8Array {
  const reader = new WasmReader(bytes, body, end);
  const count = leb(reader.u32() + entries.length);
  return section(id, [...count, ...bytes.subarray(reader.at, end), ...entries.flat()]);
}

/** Encodes a name. */
export function name(text: string): number[] {
  const encoded = encoder.encode(text);
  return [...leb(encoded.length), ...encoded];
}

/** Encodes an unsigned LEB128 number. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}
