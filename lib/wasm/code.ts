/**
 * What the code of a WebAssembly module could change that nobody can put back from outside. Reads
 * instructions (WebAssembly Core Specification 2.0, chapter 5.4) without running them.
 *
 * @module
 */

import { sectionIds, WasmFormatError, type WasmModuleFacts, WasmReader } from "./binary.ts";

/** How long the operands of an instruction are: so many numbers in LEB128, and so many bytes. */
interface Operands {
  readonly numbers: number;
  readonly bytes: number;
}

const none: Operands = { numbers: 0, bytes: 0 };
const oneByte: Operands = { numbers: 0, bytes: 1 };
const one: Operands = { numbers: 1, bytes: 0 };
const two: Operands = { numbers: 2, bytes: 0 };
/** Instructions that are read otherwise. */
const codes = { branchTable: 0x0e, selectTyped: 0x1c, end: 0x0b, numeric: 0xfc, vector: 0xfd };
/** Longest code that is read; the time for it is linear. */
const maxCodeBytes = 4 << 20;
/** How types of references begin that take more than one byte. */
const longTypes = new Set([0x63, 0x64]);
/** Set in the alignment of an access to memory if the number of a memory follows. */
const otherMemory = 0x40;

/** From which code to which, with which operands. Not in it: whatever changes a table. */
const plain: readonly (readonly [number, number, Operands])[] = [
  [0x00, 0x01, none], // unreachable, nop
  [0x02, 0x04, one], // block, loop, if
  [0x05, 0x05, none], // else
  [0x0b, 0x0b, none], // end
  [0x0c, 0x0d, one], // br, br_if
  [0x0f, 0x0f, none], // return
  [0x10, 0x10, one], // call
  [0x11, 0x11, two], // call_indirect
  [0x12, 0x12, one], // return_call
  [0x13, 0x13, two], // return_call_indirect
  [0x1a, 0x1b, none], // drop, select
  [0x20, 0x25, one], // locals, globals, table.get
  [0x28, 0x3e, two], // loads, stores
  [0x3f, 0x40, one], // memory.size, memory.grow
  [0x41, 0x42, one], // i32.const, i64.const
  [0x43, 0x43, { numbers: 0, bytes: 4 }], // f32.const
  [0x44, 0x44, { numbers: 0, bytes: 8 }], // f64.const
  [0x45, 0xc4, none], // arithmetic
  [0xd0, 0xd0, one], // ref.null
  [0xd1, 0xd1, none], // ref.is_null
  [0xd2, 0xd2, one], // ref.func
];
/** The same behind {@link codes.numeric}. Not in it: what drops segments. */
const numeric: readonly (readonly [number, number, Operands])[] = [
  [0, 7, none], // conversions
  [8, 8, two], // memory.init
  [10, 10, two], // memory.copy
  [11, 11, one], // memory.fill
  [16, 16, one], // table.size
];
/** The same behind {@link codes.vector}. */
const vector: readonly (readonly [number, number, Operands])[] = [
  [0, 11, two],
  [12, 13, { numbers: 0, bytes: 16 }],
  [14, 20, none],
  [21, 34, oneByte],
  [35, 83, none],
  [84, 91, { numbers: 2, bytes: 1 }],
  [92, 93, two],
  [94, 275, none],
];

/** Of what constants are computed: few, which are looked up by each module that is loaded. */
const constants: Known = {
  plain: tableOf(plain.filter(([from]) => [0x0b, 0x41, 0x43, 0x44, 0xd0, 0xd2].includes(from))),
  numeric: [],
  vector: [],
};

/** Operands by code. */
interface Known {
  readonly plain: readonly (Operands | undefined)[];
  readonly numeric: readonly (Operands | undefined)[];
  readonly vector: readonly (Operands | undefined)[];
}

/**
 * True if the code of a module changes nothing but memory and globals. An instruction that is not known
 * here could change anything.
 *
 * @param bytes a valid module
 * @param facts what it says of itself
 */
export function changesOnlyMemoryAndGlobals(bytes: Uint8Array, facts: WasmModuleFacts): boolean {
  const section = facts.sections.find(({ id }) => id === sectionIds.code);
  if (!section) return true;
  if (section.end - section.body > maxCodeBytes) return false;
  const reader = new WasmReader(bytes, section.body, section.end);
  const known = { plain: tableOf(plain), numeric: tableOf(numeric), vector: tableOf(vector) };
  try {
    for (let left = reader.u32(); left > 0; left--) {
      const length = reader.u32();
      const end = reader.at + length;
      for (let groups = reader.u32(); groups > 0; groups--) {
        reader.u32();
        if (longTypes.has(reader.byte())) return false;
      }
      while (reader.at < end) if (skipInstruction(reader, known) === undefined) return false;
    }
    return true;
  } catch (error) {
    // What can be compiled and not be read here has something that is not known here.
    if (error instanceof WasmFormatError) return false;
    throw error;
  }
}

/**
 * Reads to the end of an expression that gives a constant.
 *
 * @param reader at its first instruction
 * @returns false if it has one that is not known
 */
export function skipConstant(reader: WasmReader): boolean {
  for (;;) {
    const code = skipInstruction(reader, constants);
    if (code === undefined) return false;
    if (code === codes.end) return true;
  }
}

/** @returns its code, undefined if it is not known or changes what it must not */
function skipInstruction(reader: WasmReader, known: Known): number | undefined {
  const code = reader.byte();
  if (code === codes.branchTable) {
    skipNumbers(reader, reader.u32() + 1);
    return code;
  }
  if (code === codes.selectTyped) {
    for (let left = reader.u32(); left > 0; left--) {
      if (longTypes.has(reader.byte())) return undefined;
    }
    return code;
  }
  const operands = code === codes.numeric
    ? known.numeric[reader.u32()]
    : code === codes.vector
    ? known.vector[reader.u32()]
    : known.plain[code];
  if (!operands) return undefined;
  if (operands.numbers > 0 && isBeyond(code, operands, reader.next)) return undefined;
  skipNumbers(reader, operands.numbers);
  reader.at += operands.bytes;
  return code;
}

/** Blocks with long types, and accesses to a memory that is not the first. */
function isBeyond(code: number, { numbers }: Operands, next: number): boolean {
  if (code >= 0x02 && code <= 0x04) return longTypes.has(next);
  const isAccess = numbers === 2 && code >= 0x28 && code !== codes.numeric;
  return isAccess && (next & otherMemory) !== 0;
}

function skipNumbers(reader: WasmReader, count: number): void {
  for (let left = count; left > 0; left--) while (reader.byte() >= 0x80);
}

function tableOf(ranges: readonly (readonly [number, number, Operands])[]): Operands[] {
  const table: Operands[] = [];
  for (const [from, to, operands] of ranges) {
    for (let code = from; code <= to; code++) table[code] = operands;
  }
  return table;
}
