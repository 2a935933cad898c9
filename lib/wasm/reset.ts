/**
 * Making an instance of a WebAssembly module new again: its memory and its globals as they were when
 * it was made. That takes a fraction of making one, and leaves nothing to collect. A module whose
 * instances have more that can change gets a new instance for each call.
 *
 * @module
 */

import { sectionIds, type WasmModuleFacts, wasmPageBytes, WasmReader } from "./binary.ts";
import { changesOnlyMemoryAndGlobals, skipConstant } from "./code.ts";
import { maxWipedPages } from "./memory.ts";
import { leb, name } from "./rewrite.ts";

/** What names of exported globals begin with. */
const prefix = "serverledge.global.";
const globalKind = 3;
const mutable = 1;
/** Most globals that can change; toolchains make one or a few. */
const maxGlobals = 64;
/** Types of globals that can be put back exactly. */
const integers = new Set([0x7f, 0x7e]);
/** Types that take one byte: numbers, vectors, references. */
const shortTypes = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);

/** An instance of a module, and the memory that it was given. */
export interface Running {
  /** Its exports. */
  readonly exports: WebAssembly.Exports;
  /** Its memory; undefined if it has none. */
  readonly memory: WebAssembly.Memory | undefined;
}

/** Globals of a module that can change. */
export interface ChangingGlobals {
  /** Names under which the module is to export them. */
  readonly names: readonly string[];
  /** Entries of its list of exports for that. */
  readonly entries: readonly (readonly number[])[];
}

/**
 * Finds all globals of a module that can change.
 *
 * @param bytes a module that imports nothing but functions
 * @param facts what it says of itself
 * @returns undefined if its instances cannot be made new again, as far as can be told without a look
 *   at its code
 */
export function findGlobals(
  bytes: Uint8Array,
  facts: WasmModuleFacts,
): ChangingGlobals | undefined {
  const find = (id: number) => facts.sections.find((section) => section.id === id);
  // What a start function does, e.g. with random numbers, belongs to each call.
  if (find(sectionIds.start) || !find(sectionIds.export)) return undefined;
  if ((facts.memories[0]?.initial ?? 0) > maxWipedPages) return undefined;
  const section = find(sectionIds.global);
  if (!section) return { names: [], entries: [] };
  const changing = changingGlobals(new WasmReader(bytes, section.body, section.end));
  const names = changing?.map((index) => prefix + index);
  if (!names || names.some((name) => facts.exports.has(name))) return undefined;
  const entries = changing!.map((index, i) => [...name(names[i]!), globalKind, ...leb(index)]);
  return { names, entries };
}

/** @returns their indices; undefined if one cannot be put back */
function changingGlobals(reader: WasmReader): number[] | undefined {
  const changing: number[] = [];
  const count = reader.u32();
  for (let index = 0; index < count; index++) {
    const type = reader.byte();
    if (!shortTypes.has(type)) return undefined;
    if (reader.byte() === mutable) {
      if (!integers.has(type) || changing.push(index) > maxGlobals) return undefined;
    }
    if (!skipConstant(reader)) return undefined;
  }
  return changing;
}

/** An instance that was never called, as it was made. */
class Snapshot {
  readonly running: Running;
  readonly #globals: readonly (readonly [WebAssembly.Global, unknown])[];
  readonly #memory: Uint8Array;
  /** All between the first and the last byte that is not 0, and where it begins. */
  readonly #data: Uint8Array;
  readonly #from: number;

  constructor(running: Running, names: readonly string[]) {
    this.running = running;
    this.#globals = names.map((name) => {
      const global = running.exports[name] as WebAssembly.Global;
      return [global, global.value];
    });
    this.#memory = new Uint8Array(running.memory?.buffer ?? new ArrayBuffer(0));
    const words = new Uint32Array(this.#memory.buffer);
    let from = 0;
    while (from < words.length && words[from] === 0) from++;
    let end = words.length;
    while (end > from && words[end - 1] === 0) end--;
    this.#from = from * words.BYTES_PER_ELEMENT;
    this.#data = this.#memory.slice(this.#from, end * words.BYTES_PER_ELEMENT);
  }

  restore(): void {
    const memory = this.#memory;
    memory.fill(0, 0, this.#from);
    memory.set(this.#data, this.#from);
    memory.fill(0, this.#from + this.#data.length);
    for (const [global, value] of this.#globals) global.value = value;
  }
}

/** The instance of a module that is made new again for each call. */
export class ResetInstance {
  readonly #facts: WasmModuleFacts;
  readonly #globals: readonly string[];
  /** The module, until its code was looked at. */
  #code: Uint8Array | undefined;
  #possible = true;
  #wanted = false;
  #snapshot: Snapshot | undefined;
  #isOut = false;

  /**
   * No instance yet.
   *
   * @param globals what {@link findGlobals} found, which the instances export
   * @param bytes the module
   * @param facts what it says of itself
   */
  constructor(globals: ChangingGlobals | undefined, bytes: Uint8Array, facts: WasmModuleFacts) {
    this.#globals = globals?.names ?? [];
    this.#possible = globals !== undefined;
    this.#code = globals && bytes;
    this.#facts = facts;
  }

  /**
   * The instance, as new; it has to be given back.
   *
   * @returns undefined if there is none now
   */
  take(): Running | undefined {
    const snapshot = this.#snapshot;
    if (!snapshot || this.#isOut) return undefined;
    snapshot.restore();
    this.#isOut = true;
    return snapshot.running;
  }

  /**
   * Takes an instance back after a call, however it ended.
   *
   * @param running any instance
   * @returns false if it is not used again; its memory is free then
   */
  giveBack(running: Running): boolean {
    const pages = (running.memory?.buffer.byteLength ?? 0) / wasmPageBytes;
    // What has grown cannot shrink.
    const hasGrown = pages !== (this.#facts.memories[0]?.initial ?? 0);
    if (running !== this.#snapshot?.running) {
      this.#wanted = this.#possible && !this.#snapshot && !hasGrown;
      return false;
    }
    this.#isOut = false;
    if (hasGrown) this.#snapshot = undefined;
    return !hasGrown;
  }

  /** True if {@link ResetInstance.prepare} is to be called when nobody waits. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /**
   * Makes the instance, if the module's code allows it.
   *
   * @param make makes one that was never called
   */
  prepare(make: () => Running): void {
    this.#wanted = false;
    if (this.#code) {
      this.#possible = changesOnlyMemoryAndGlobals(this.#code, this.#facts);
      this.#code = undefined;
    }
    if (!this.#possible) return;
    try {
      this.#snapshot = new Snapshot(make(), this.#globals);
    } catch {
      // No room for it, since calls had instances already: they get them as before.
      this.#possible = false;
    }
  }
}
