/**
 * The memory of WebAssembly modules: bounded, and used again.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { sectionIds, type WasmMemory, type WasmModuleFacts, wasmPageBytes } from "./binary.ts";
import { leb, name, section, withEntries } from "./rewrite.ts";

/** Names under which a module is given the memory that it once had itself. */
const memoryImport = { module: "serverledge", name: "memory" } as const;
/** Code of a memory in a list of imports, and the flag that says that a bound follows. */
const memoryKind = 2;
const bounded = 1;
/**
 * A memory of at most so many pages is wiped and used again, a larger one is made anew: 16 MiB. Wiping
 * takes 0.1 ms a MiB, the garbage collection that gives memories back 0.3 ms.
 */
export const maxWipedPages = 256;
/**
 * Bytes of memories given up after which they are collected: left to itself, V8 waits until there are more
 * than the sandbox has room for.
 */
const maxLitterBytes = 32 << 20;

/**
 * Rewrites a module so that it imports the memory that it would make itself, with a bound. The bound
 * makes `memory.grow` fail where the function's memory ends, as WebAssembly means it; and a memory
 * from outside can be wiped and used again, where V8 would make one of its own for each instance,
 * whose address space only a garbage collection gives back.
 *
 * @param bytes a module with at most one memory, and no imported one
 * @param maxPages most pages of its memory
 * @param exports what it is to export besides, as entries of its list of exports
 * @returns the bytes of the new module; those that came in if it stays as it is
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
    // Sections have an order, but those with id 0 may stand anywhere.
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

/** Gives each instance of a module a memory that is all zero. */
export class MemorySource {
  readonly #facts: WasmModuleFacts;
  /** Most pages. */
  readonly #maximum: number;
  readonly #collect: () => void;
  #idle: WebAssembly.Memory | undefined;
  /** Bytes of memories that nobody uses any more. */
  #litter = 0;

  /** @param collect collects garbage */
  constructor(facts: WasmModuleFacts, maxPages: number, collect: () => void) {
    this.#facts = facts;
    this.#collect = collect;
    this.#maximum = Math.min(maxPages, facts.memories[0]?.maximum ?? maxPages);
  }

  /** Most bytes that a memory can grow to. */
  get maxBytes(): number {
    return this.#maximum * wasmPageBytes;
  }

  /**
   * A memory for one instance.
   *
   * @returns undefined if the module has none
   * @throws {RangeError} where there is no room for it
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
   * Takes a memory back whose instance is never called again.
   *
   * @param memory undefined is ignored
   */
  giveBack(memory: WebAssembly.Memory | undefined): void {
    const initial = this.#facts.memories[0]?.initial ?? 0;
    const bytes = memory?.buffer.byteLength ?? 0;
    // What has grown cannot shrink.
    if (initial <= maxWipedPages && bytes === initial * wasmPageBytes) this.#idle = memory;
    else this.#litter += bytes;
  }

  /** True if there is much to collect: {@link MemorySource.tidy} does so, best when nobody waits. */
  get littered(): boolean {
    return this.#litter > maxLitterBytes;
  }

  /** Collects memories that nobody uses any more, if they are many; {@link MemorySource.take} does, too. */
  tidy(): void {
    if (!this.littered) return;
    this.#litter = 0;
    this.#collect();
  }

  /** What to offer a module as imports beside WASI. */
  static imports(memory: WebAssembly.Memory | undefined): WebAssembly.Imports {
    return memory ? { [memoryImport.module]: { [memoryImport.name]: memory } } : {};
  }
}
