/**
 * Memories of WebAssembly instances: bounded and reused.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { sectionIds, type WasmMemory, type WasmModuleFacts, wasmPageBytes } from "./binary.ts";
import { leb, name, section, withEntries } from "./rewrite.ts";

/** Import names of the memory that replaces a module's own. */
const memoryImport = { module: "serverledge", name: "memory" } as const;
/** Code of a memory in the import section, and flag of limits with a maximum. */
const memoryKind = 2;
const bounded = 1;
/**
 * Maximum size of a memory that is wiped and reused, pages: 16 MiB. Wiping takes 0.1 ms per MiB, the garbage
 * collection of a memory 0.3 ms.
 */
export const maxWipedPages = 256;
/**
 * Size of unused memories after which garbage is collected, bytes. V8 by itself would exceed the sandbox's
 * memory.
 */
const maxLitterBytes = 32 << 20;

/**
 * Rewrites a module so that it imports its memory with a maximum. The maximum makes `memory.grow` fail at the
 * function's limit, and an imported memory can be wiped and reused. Without the import V8 would allocate a
 * memory for each instance, whose address space only a garbage collection releases.
 *
 * @param bytes of a module with at most one memory, which is not imported
 * @param exports entries to add to the export section
 * @returns the bytes of the new module, or of the same one if nothing changes
 */
export function importMemory(
  bytes: Uint8Array,
  facts: WasmModuleFacts,
  maxPages: number,
  exports: readonly (readonly number[])[] = [],
): Uint8Array {
  const [memory] = facts.memories;
  if (!memory && exports.length === 0) return bytes;
  const imports = memory ? [entryFor(memory, maxPages)] : [];
  const parts = [bytes.subarray(0, 8)];
  let imported = imports.length === 0;
  for (const one of facts.sections) {
    const { id, start, end } = one;
    // Sections are ordered, except those with id 0.
    if (!imported && id >= sectionIds.import) {
      imported = true;
      if (id === sectionIds.import) {
        parts.push(withEntries(bytes, one, imports));
        continue;
      }
      parts.push(section(sectionIds.import, [...leb(1), ...imports.flat()]));
    }
    if (id === sectionIds.export && exports.length > 0) {
      parts.push(withEntries(bytes, one, exports));
    } else if (id !== sectionIds.memory) parts.push(bytes.subarray(start, end));
  }
  return concatBytes(parts);
}

function entryFor({ initial, maximum }: WasmMemory, maxPages: number): number[] {
  return [
    ...name(memoryImport.module),
    ...name(memoryImport.name),
    memoryKind,
    bounded,
    ...leb(initial),
    ...leb(Math.min(maxPages, maximum ?? maxPages)),
  ];
}

/** Provides zeroed memories for the instances of a module. */
export class MemorySource {
  readonly #facts: WasmModuleFacts;
  /** Maximum number of pages. */
  readonly #maximum: number;
  readonly #collect: () => void;
  #idle: WebAssembly.Memory | undefined;
  /** Bytes of unused memories. */
  #litter = 0;

  /**
   * Creates a source for a module that {@link importMemory} has rewritten with the same facts and number of
   * pages.
   *
   * @param collect runs a garbage collection
   */
  constructor(facts: WasmModuleFacts, maxPages: number, collect: () => void) {
    this.#facts = facts;
    this.#collect = collect;
    this.#maximum = Math.min(maxPages, facts.memories[0]?.maximum ?? maxPages);
  }

  /** Maximum size of a memory, bytes. */
  get maxBytes(): number {
    return this.#maximum * wasmPageBytes;
  }

  /**
   * Returns a memory for an instance.
   *
   * @returns undefined if the module has no memory
   * @throws {RangeError} if it cannot be allocated
   */
  take(): WebAssembly.Memory | undefined {
    const [memory] = this.#facts.memories;
    if (!memory) return undefined;
    this.tidy();
    const idle = this.#idle;
    this.#idle = undefined;
    if (!idle) return new WebAssembly.Memory({ initial: memory.initial, maximum: this.#maximum });
    new Uint8Array(idle.buffer).fill(0);
    return idle;
  }

  /**
   * Takes back the memory of an instance that is no longer used.
   *
   * @param memory of the instance, if it has one
   */
  giveBack(memory: WebAssembly.Memory | undefined): void {
    const initial = this.#facts.memories[0]?.initial ?? 0;
    const bytes = memory?.buffer.byteLength ?? 0;
    // A memory cannot shrink.
    if (initial <= maxWipedPages && bytes === initial * wasmPageBytes) this.#idle = memory;
    else this.#litter += bytes;
  }

  /** True if {@link MemorySource.tidy} should run, preferably while the instance is idle. */
  get littered(): boolean {
    return this.#litter > maxLitterBytes;
  }

  /** Collects unused memories if there are many; {@link MemorySource.take} does so too. */
  tidy(): void {
    if (!this.littered) return;
    this.#litter = 0;
    this.#collect();
  }

  /** Returns the imports of a module in addition to WASI. */
  static imports(memory: WebAssembly.Memory | undefined): WebAssembly.Imports {
    return memory ? { [memoryImport.module]: { [memoryImport.name]: memory } } : {};
  }
}
