/**
 * Reset of WebAssembly instances, which is much faster than a new instance and leaves no garbage.
 *
 * An instance can change its memory, globals, tables, segments, and objects that these refer to
 * (WebAssembly Core Specification 2.0, 4.2). Only modules that change nothing but memory and integer
 * globals are reset; others get a new instance for each call.
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

/** Prefix of the names of exported globals. */
const prefix = "serverledge.global.";
/** Maximum number of mutable globals; toolchains create a few. */
const maxGlobals = 64;
/** Maximum number of data segments; toolchains create a few. */
const maxSegments = 10_000;
/** Maximum size of code that is searched, bytes. */
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
/** Codes of `table.copy`, `table.grow` and `table.fill` after the byte `prefixed`. */
const tableChanges = new Set([14, 15, 17]);

/** Instance and its memory. */
export interface WasmInstance {
  readonly exports: WebAssembly.Exports;
  /** Memory of the instance, if it has one. */
  readonly memory: WebAssembly.Memory | undefined;
}

/** Initial content of a memory from its first to its last data segment; the rest is zero. */
interface InitialData {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** Reset of the instances of a module. */
export class InstanceReset {
  /** Entries for the export section that export the mutable globals. */
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
   * Analyses a module.
   *
   * @param bytes of a module with at most one memory that imports only functions
   * @param facts properties of the module
   * @returns undefined if its instances cannot be reset
   */
  static of(bytes: Uint8Array, facts: WasmModuleFacts): InstanceReset | undefined {
    const reader = (id: number) => {
      const section = facts.sections.find((section) => section.id === id);
      return new WasmReader(bytes, section?.body ?? 0, section?.end ?? 0);
    };
    const pages = facts.memories[0]?.initial ?? 0;
    // The effects of a start function, e.g. random numbers, belong to each call.
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
      // The engine may support more of the format.
      if (error instanceof WasmFormatError) return undefined;
      throw error;
    }
  }

  /**
   * Records the initial values of globals.
   *
   * @param instance that has never been called
   */
  observe({ exports }: WasmInstance): void {
    this.#values ??= this.#names.map((name) => (exports[name] as WebAssembly.Global).value);
  }

  /** Reports whether an instance can be reset, that is, whether its memory has not grown. */
  canReset({ memory }: WasmInstance): boolean {
    return (memory?.buffer.byteLength ?? 0) === this.#memoryBytes;
  }

  /**
   * Restores the initial memory and globals.
   *
   * @param instance for which {@link InstanceReset.canReset} is true
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

/** @returns the indices of mutable globals; undefined if one cannot be restored */
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

/** @returns false unless the expression is the single instruction that toolchains emit */
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

/** @returns the initial memory; undefined if it is not known statically */
function initialData(reader: WasmReader, memoryBytes: number): InitialData | undefined {
  const segments: { at: number; bytes: Uint8Array }[] = [];
  const count = reader.isAtEnd ? 0 : reader.u32();
  if (count > maxSegments) return undefined;
  for (let left = count; left > 0; left--) {
    // Passive segments can be dropped later; active ones are dropped at instantiation.
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

/** Reports whether code could change a table or an element segment. */
function canTablesChange(reader: (id: number) => WasmReader): boolean {
  const tables = reader(sectionIds.table);
  if (tables.isAtEnd) return false;
  // Elements of other types could refer to mutable objects.
  if (tables.u32() > 1 || tables.byte() !== functionReference) return true;
  const elements = reader(sectionIds.element);
  const isOneActive = elements.isAtEnd || (elements.u32() === 1 && elements.byte() === 0);
  return !isOneActive || mayChangeTable(reader(sectionIds.code).rest());
}

/**
 * Searches the code for bytes of an instruction that changes table 0. Operands with the same bytes are rare
 * and only cost speed.
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

/** Reports whether the bytes at an offset are a LEB128 zero of any length. */
function isZero(code: Uint8Array, at: number): boolean {
  while (code[at] === 0x80) at++;
  return code[at] === 0;
}
