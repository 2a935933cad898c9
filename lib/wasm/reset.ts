/**
 * Makes an instance of a WebAssembly module new again, which takes a fraction of the time that making
 * another takes and leaves nothing to collect.
 *
 * What can change in an instance is its memory, globals, tables and segments, and objects that these
 * refer to (WebAssembly Core Specification 2.0, 4.2). Only modules are reset of which nothing but
 * memory and integer globals can change; others get a new instance for each call.
 *
 * @module
 */

import {
  sectionIds,
  WasmFormatError,
  type WasmModuleFacts,
  wasmPageBytes,
  WasmReader,
} from "./binary.ts";
import { maxWipedPages } from "./memory.ts";
import { leb, name } from "./rewrite.ts";

/** First part of the names of exported globals. */
const prefix = "serverledge.global.";
/** Largest number of mutable globals; toolchains make one or a few. */
const maxGlobals = 64;
/** Largest number of data segments; toolchains make a few. */
const maxSegments = 10_000;
/** Largest code that is searched. */
const maxCodeBytes = 4 << 20;
const integerTypes = new Set([0x7f, 0x7e]);
const numberTypes = new Set([0x7f, 0x7e, 0x7d, 0x7c]);
const functionReference = 0x70;
const globalKind = 3;
const mutable = 1;
const negative = 0x40;
const instructions = {
  end: 0x0b,
  tableSet: 0x26,
  i32: 0x41,
  i64: 0x42,
  f32: 0x43,
  f64: 0x44,
  prefixed: 0xfc,
  refNull: 0xd0,
} as const;
/** `table.copy`, `table.grow` and `table.fill`, behind the byte `prefixed`. */
const tableChanges = new Set([14, 15, 17]);

/** An instance of a module, and the memory that it was given. */
export interface WasmInstance {
  readonly exports: WebAssembly.Exports;
  /** Its memory; undefined if it has none. */
  readonly memory: WebAssembly.Memory | undefined;
}

/** Bytes of a memory between its first and last data segment; zeros are all around. */
interface InitialData {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** Resets the instances of one module. */
export class InstanceReset {
  /** Entries that the module's list of exports needs for its mutable globals. */
  readonly exports: readonly (readonly number[])[];
  readonly #names: readonly string[];
  readonly #data: InitialData;
  readonly #memoryBytes: number;
  #values: readonly unknown[] | undefined;

  private constructor(globals: readonly number[], data: InitialData, memoryBytes: number) {
    this.#names = globals.map((index) => prefix + index);
    this.exports = globals.map((index, i) => [...name(this.#names[i]!), globalKind, ...leb(index)]);
    this.#data = data;
    this.#memoryBytes = memoryBytes;
  }

  /**
   * Finds out how to reset instances of a module.
   *
   * @param bytes a module with at most one memory, which imports nothing but functions
   * @param facts what it says of itself
   * @returns undefined if something else can change in them
   */
  static of(bytes: Uint8Array, facts: WasmModuleFacts): InstanceReset | undefined {
    const reader = (id: number) => {
      const section = facts.sections.find((section) => section.id === id);
      return new WasmReader(bytes, section?.body ?? 0, section?.end ?? 0);
    };
    const pages = facts.memories[0]?.initial ?? 0;
    // What a start function does, e.g. with random numbers, belongs to each call.
    if (facts.sections.some(({ id }) => id === sectionIds.start)) return undefined;
    if (
      pages > maxWipedPages || [...facts.exports.keys()].some((name) => name.startsWith(prefix))
    ) {
      return undefined;
    }
    try {
      const globals = mutableGlobals(reader(sectionIds.global));
      if (!globals || canTablesChange(reader)) return undefined;
      const data = initialData(reader(sectionIds.data), pages * wasmPageBytes);
      return data && new InstanceReset(globals, data, pages * wasmPageBytes);
    } catch (error) {
      // The engine may know more of the format.
      if (error instanceof WasmFormatError) return undefined;
      throw error;
    }
  }

  /**
   * Learns the values of globals that every instance begins with.
   *
   * @param instance never called
   */
  observe({ exports }: WasmInstance): void {
    this.#values ??= this.#names.map((name) => (exports[name] as WebAssembly.Global).value);
  }

  /** Whether an instance can be reset: memory that has grown cannot shrink. */
  canReset({ memory }: WasmInstance): boolean {
    return (memory?.buffer.byteLength ?? 0) === this.#memoryBytes;
  }

  /**
   * Puts memory and globals back to what they were at first.
   *
   * @param instance one for which {@link InstanceReset.canReset} holds
   */
  reset({ exports, memory }: WasmInstance): void {
    for (const [i, name] of this.#names.entries()) {
      (exports[name] as WebAssembly.Global).value = this.#values![i];
    }
    if (!memory) return;
    const { from, bytes } = this.#data;
    const all = new Uint8Array(memory.buffer);
    all.fill(0, 0, from);
    all.set(bytes, from);
    all.fill(0, from + bytes.length);
  }
}

/** @returns their indices; undefined if one cannot be put back exactly, or refers to an object */
function mutableGlobals(reader: WasmReader): number[] | undefined {
  const indices: number[] = [];
  const count = reader.isAtEnd ? 0 : reader.u32();
  for (let index = 0; index < count; index++) {
    const type = reader.byte();
    if (reader.byte() === mutable) {
      if (!integerTypes.has(type) || indices.push(index) > maxGlobals) return undefined;
    } else if (!numberTypes.has(type) && type !== functionReference) return undefined;
    if (!skipConstant(reader)) return undefined;
  }
  return indices;
}

/** @returns false if it is not the one instruction that toolchains write */
function skipConstant(reader: WasmReader): boolean {
  const code = reader.byte();
  if (code === instructions.f32) reader.at += 4;
  else if (code === instructions.f64) reader.at += 8;
  else if (
    code === instructions.i32 || code === instructions.i64 || code === instructions.refNull
  ) {
    while (reader.byte() >= 0x80);
  } else return false;
  return reader.byte() === instructions.end;
}

/** @returns what the segments write; undefined if that is not known before they are run */
function initialData(reader: WasmReader, memoryBytes: number): InitialData | undefined {
  const segments: { at: number; bytes: Uint8Array }[] = [];
  const count = reader.isAtEnd ? 0 : reader.u32();
  if (count > maxSegments) return undefined;
  for (let left = count; left > 0; left--) {
    // A passive segment can be dropped; an active one is dropped when the instance is made.
    if (reader.u32() !== 0 || reader.byte() !== instructions.i32) return undefined;
    const at = reader.u32();
    const isNegative = (reader.last & negative) !== 0;
    if (isNegative || reader.byte() !== instructions.end) return undefined;
    const bytes = reader.bytes();
    if (at + bytes.length > memoryBytes) return undefined;
    segments.push({ at, bytes });
  }
  const from = Math.min(memoryBytes, ...segments.map(({ at }) => at));
  const end = Math.max(from, ...segments.map(({ at, bytes }) => at + bytes.length));
  const bytes = new Uint8Array(end - from);
  for (const segment of segments) bytes.set(segment.bytes, segment.at - from);
  return { from, bytes };
}

/** Whether code could change a table, or a segment from which tables are filled. */
function canTablesChange(reader: (id: number) => WasmReader): boolean {
  const tables = reader(sectionIds.table);
  if (tables.isAtEnd) return false;
  // Entries of other types could refer to objects that can change.
  if (tables.u32() > 1 || tables.byte() !== functionReference) return true;
  const elements = reader(sectionIds.element);
  const isOneActive = elements.isAtEnd || (elements.u32() === 1 && elements.byte() === 0);
  return !isOneActive || mayChangeTable(reader(sectionIds.code).rest());
}

/**
 * Searches for bytes of an instruction that changes table 0, wherever they stand. Operands of others
 * that look alike are rare, and cost their module no more than speed.
 */
function mayChangeTable(code: Uint8Array): boolean {
  if (code.length > maxCodeBytes) return true;
  const { tableSet, prefixed } = instructions;
  for (let at = code.indexOf(tableSet); at >= 0; at = code.indexOf(tableSet, at + 1)) {
    if (isZero(code, at + 1)) return true;
  }
  for (let at = code.indexOf(prefixed); at >= 0; at = code.indexOf(prefixed, at + 1)) {
    if (tableChanges.has(code[at + 1]! & 0x7f) && isZero(code, at + 2)) return true;
  }
  return false;
}

/** Whether a zero in LEB128 stands at a place, which may be longer than it must be. */
function isZero(code: Uint8Array, at: number): boolean {
  while (code[at] === 0x80) at++;
  return code[at] === 0;
}
