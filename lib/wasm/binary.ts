/**
 * Parser of imports, exports and memory of a WebAssembly module (binary format, WebAssembly Core
 * Specification 2.0, chapter 5), without compilation and in linear time.
 *
 * @module
 */

/** Size of a page of memory, bytes. */
export const wasmPageBytes = 65_536;
/** Maximum number of pages of a memory with 32-bit addresses. */
export const maxWasmPages = 65_536;

/** Ids of sections in their required order. */
export const sectionIds = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

/** Number types by code. A node can pass no other types. */
const numberTypes: Readonly<Record<number, WasmNumberType>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
};
const kinds = ["function", "table", "memory", "global", "tag"] as const;
const functionForm = 0x60;
/** Maximum number of entries of a list, as in engines. */
const maxEntries = 100_000;
const maxFunctions = 1_000_000;
const maxSections = 10_000;
const limitFlags = { maximum: 1, shared: 2, wide: 4 } as const;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Type of a number. */
export type WasmNumberType = "i32" | "i64" | "f32" | "f64";

/** Signature of a function; `other` is a type that is no number. */
export interface WasmSignature {
  /** Types of the parameters. */
  readonly parameters: readonly (WasmNumberType | "other")[];
  /** Types of the results. */
  readonly results: readonly (WasmNumberType | "other")[];
}

/** Import of a module. */
export interface WasmImport {
  /** Name of the module, e.g. `wasi_snapshot_preview1`. */
  readonly module: string;
  /** Name of the item. */
  readonly name: string;
  /** Kind of item. */
  readonly kind: (typeof kinds)[number];
}

/** Export of a module. */
export interface WasmExport {
  /** Kind of item. */
  readonly kind: (typeof kinds)[number];
  /** Signature of a function; undefined if the types could not be read. */
  readonly signature?: WasmSignature;
}

/** Memory of a module. */
export interface WasmMemory {
  /** Initial number of pages. */
  readonly initial: number;
  /** Maximum number of pages; undefined if unbounded. */
  readonly maximum: number | undefined;
  /** True for a shared memory. */
  readonly shared: boolean;
  /** True for 64-bit addresses. */
  readonly wide: boolean;
}

/** Position of a section in the file. */
export interface WasmSection {
  /** Id of the section's kind, one of {@link sectionIds}. */
  readonly id: number;
  /** Offset of the section's id. */
  readonly start: number;
  /** Offset of the section's content. */
  readonly body: number;
  /** Offset after the section's content. */
  readonly end: number;
}

/** Parsed properties of a module. */
export interface WasmModuleFacts {
  /** Sections in order. */
  readonly sections: readonly WasmSection[];
  /** Imports in order. */
  readonly imports: readonly WasmImport[];
  readonly exports: ReadonlyMap<string, WasmExport>;
  /** Memories that the module defines. */
  readonly memories: readonly WasmMemory[];
}

/** Error in the format of a module. */
export class WasmFormatError extends Error {
  override readonly name = "WasmFormatError";
}

/**
 * Parses a module.
 *
 * @param bytes of the file
 * @throws {WasmFormatError} if the file is no valid module, with a message for its author
 */
export function readWasm(bytes: Uint8Array): WasmModuleFacts {
  const sections = readSections(bytes);
  const reader = (id: number) => {
    const section = sections.find((section) => section.id === id);
    return section && new WasmReader(bytes, section.body, section.end);
  };
  const types = readTypes(reader(sectionIds.type));
  const { imports, functions } = readImports(reader(sectionIds.import));
  reader(sectionIds.function)?.vector((r) => void functions.push(r.u32()), maxFunctions);
  const memories: WasmMemory[] = [];
  reader(sectionIds.memory)?.vector((r) => void memories.push(r.limits()));
  const exports = new Map<string, WasmExport>();
  reader(sectionIds.export)?.vector((r) => {
    const name = r.name();
    const kind = r.kind();
    const index = r.u32();
    const signature = kind === "function" ? types[functions[index] ?? -1] : undefined;
    exports.set(name, signature ? { kind, signature } : { kind });
  });
  return { sections, imports, exports, memories };
}

/** Reader of the primitives of the format. */
export class WasmReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** Offset of the next byte. */
  at: number;

  /** Creates a reader of `bytes` from `at` to `end`. */
  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  /** Reads a byte. */
  byte(): number {
    if (this.at >= this.#end) {
      throw new WasmFormatError("the module is truncated");
    }
    return this.#bytes[this.at++]!;
  }

  /** True if the end is reached. */
  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  /** Last byte that was read. */
  get last(): number {
    return this.#bytes[this.at - 1]!;
  }

  /** View of the remaining bytes. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.at, this.#end);
  }

  /** Reads a list of bytes as a view. */
  bytes(): Uint8Array {
    const length = this.u32();
    const from = this.at;
    if (from + length > this.#end) throw new WasmFormatError("a list extends beyond its section");
    return this.#bytes.subarray(from, this.at += length);
  }

  /** Reads an unsigned LEB128 number. */
  u32(): number {
    let value = 0;
    // Multiplication is used because shifts would return a signed number.
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new WasmFormatError("a number in the module is too long");
  }

  /** Reads a name. */
  name(): string {
    const bytes = this.bytes();
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new WasmFormatError("a name in the module is not valid UTF-8", { cause });
    }
  }

  /** Reads the kind of an import or export. */
  kind(): (typeof kinds)[number] {
    const code = this.byte();
    const kind = kinds[code];
    if (!kind) throw new WasmFormatError(`the module contains the unknown kind ${code}`);
    return kind;
  }

  /** Reads the limits of a memory or table. */
  limits(): WasmMemory {
    const flags = this.byte();
    const wide = (flags & limitFlags.wide) !== 0;
    // 64-bit limits may be longer and are not needed.
    if (wide) return { initial: 0, maximum: undefined, shared: false, wide };
    const initial = this.u32();
    const maximum = (flags & limitFlags.maximum) !== 0 ? this.u32() : undefined;
    return { initial, maximum, shared: (flags & limitFlags.shared) !== 0, wide };
  }

  /** Reads a list of at most `most` items. */
  vector(item: (reader: this) => void, most = maxEntries): void {
    for (let left = this.#count(most); left > 0; left--) item(this);
  }

  #count(most: number): number {
    const count = this.u32();
    if (count > most) {
      throw new WasmFormatError(`a list in the module has ${count} entries, more than ${most}`);
    }
    return count;
  }
}

function readSections(bytes: Uint8Array): WasmSection[] {
  const [m0, m1, m2, m3, v0, v1, layer] = bytes;
  if (m0 !== 0 || m1 !== 0x61 || m2 !== 0x73 || m3 !== 0x6d || bytes.length < 8) {
    throw new WasmFormatError("it is not a WebAssembly module: its first bytes are not \\0asm");
  }
  if (layer === 1) {
    throw new WasmFormatError(
      "it is a component (WASI preview 2): build a core module for WASI preview 1, for " +
        "example with the target wasm32-wasip1",
    );
  }
  if (v0 !== 1 || v1 !== 0) throw new WasmFormatError("its format version is not 1");
  const sections: WasmSection[] = [];
  const reader = new WasmReader(bytes, 8, bytes.length);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    const length = reader.u32();
    const body = reader.at;
    if (body + length > bytes.length) {
      throw new WasmFormatError("the module is truncated");
    }
    reader.at = body + length;
    if (sections.push({ id, start, body, end: reader.at }) > maxSections) {
      throw new WasmFormatError(`the module has more than ${maxSections} sections`);
    }
  }
  return sections;
}

/** Reads signatures by type index, up to the first type that is no function. */
function readTypes(reader: WasmReader | undefined): (WasmSignature | undefined)[] {
  const types: WasmSignature[] = [];
  let readable = true;
  reader?.vector((r) => {
    readable &&= r.byte() === functionForm;
    if (!readable) return;
    const sides: (WasmNumberType | "other")[][] = [[], []];
    for (const side of sides) r.vector((r) => void side.push(numberTypes[r.byte()] ?? "other"));
    types.push({ parameters: sides[0]!, results: sides[1]! });
  });
  return types;
}

function readImports(
  reader: WasmReader | undefined,
): { imports: WasmImport[]; functions: number[] } {
  const imports: WasmImport[] = [];
  const functions: number[] = [];
  reader?.vector((r) => {
    const module = r.name();
    const name = r.name();
    const kind = r.kind();
    imports.push({ module, name, kind });
    if (kind === "function") functions.push(r.u32());
    if (kind === "table") r.byte();
    if (kind === "table" || kind === "memory") {
      // The rest of the list cannot be read, and such a module would be rejected anyway.
      if (r.limits().wide) {
        throw new WasmFormatError("it needs 64-bit addresses: build it for wasm32");
      }
    }
    if (kind === "global") r.at += 2;
    if (kind === "tag") {
      r.byte();
      r.u32();
    }
  });
  return { imports, functions };
}
