import assert from "node:assert/strict";
import { moduleBytes, section } from "../../tests/support/functions/wasm_bytes.ts";
import { readWasm, type WasmModuleFacts } from "./binary.ts";
import { importMemory, MemorySource } from "./memory.ts";

const memory = section(5, [1, 1, 2, 40]);
/** `(memory (export "memory") 2 40) (func (export "grow") (param i32) (result i32) ...memory.grow)`. */
const growing = moduleBytes(
  section(1, [1, 0x60, 1, 0x7f, 1, 0x7f]),
  section(3, [1, 0]),
  memory,
  section(7, [2, 6, ...text("memory"), 2, 0, 4, ...text("grow"), 0, 0]),
  section(10, [1, 6, 0, 0x20, 0, 0x40, 0, 0x0b]),
);

const nothing = () => {};

function text(word: string): number[] {
  return [...new TextEncoder().encode(word)];
}

function grow(bytes: Uint8Array<ArrayBuffer>, facts: WasmModuleFacts, maxPages: number) {
  const rewritten = importMemory(bytes, facts, maxPages) as Uint8Array<ArrayBuffer>;
  const memories = new MemorySource(facts, maxPages, nothing);
  const given = memories.take();
  const module = new WebAssembly.Module(rewritten);
  const { exports } = new WebAssembly.Instance(module, MemorySource.imports(given));
  assert.equal(exports.memory, given, "the module uses the given memory");
  return exports.grow as (pages: number) => number;
}

Deno.test("importMemory: lets memory grow up to the maximum", () => {
  const call = grow(growing, readWasm(growing), 10);
  assert.equal(call(8), 2);
  assert.equal(call(1), -1);
});

Deno.test("importMemory: keeps a lower maximum of the module", () => {
  const call = grow(growing, readWasm(growing), 1000);
  assert.equal(call(38), 2);
  assert.equal(call(1), -1);
});

Deno.test("importMemory: keeps other imports and sections", () => {
  const imports = section(2, [1, 1, 0x6d, 1, 0x66, 0, 0]);
  const bytes = moduleBytes(section(1, [1, 0x60, 0, 0]), imports, memory, section(0, [1, 0x78]));
  const rewritten = readWasm(importMemory(bytes, readWasm(bytes), 10));
  assert.deepEqual(rewritten.imports, [
    { module: "m", name: "f", kind: "function" },
    { module: "serverledge", name: "memory", kind: "memory" },
  ]);
  assert.deepEqual(rewritten.memories, []);
  assert.deepEqual(rewritten.sections.map(({ id }) => id), [1, 2, 0]);
});

Deno.test("importMemory: does not change a module without memory", () => {
  const bytes = moduleBytes(section(1, [0]));
  const facts = readWasm(bytes);
  assert.equal(importMemory(bytes, facts, 10), bytes);
  assert.equal(new MemorySource(facts, 10, nothing).take(), undefined);
});

Deno.test("MemorySource: wipes and reuses a memory that has not grown", () => {
  const memories = new MemorySource(readWasm(growing), 10, nothing);
  const first = memories.take()!;
  new Uint8Array(first.buffer).fill(7);
  memories.giveBack(first);
  const second = memories.take()!;
  assert.equal(second, first);
  assert.ok(new Uint8Array(second.buffer).every((byte) => byte === 0));
  second.grow(1);
  memories.giveBack(second);
  const third = memories.take()!;
  assert.notEqual(third, second);
  assert.equal(third.buffer.byteLength, 2 << 16);
  assert.equal(memories.maxBytes, 10 << 16);
});

Deno.test("MemorySource: collects unused memories before they are too many", () => {
  let collected = 0;
  const memories = new MemorySource(readWasm(growing), 40, () => collected++);
  for (let given = 0; given < 100; given++) {
    const memory = memories.take()!;
    memory.grow(38);
    memories.giveBack(memory);
    // 40 pages are 2.5 MiB: 13 of them are more than 32 MiB.
    assert.equal(memories.littered, (given + 1) % 13 === 0);
  }
  assert.equal(collected, 7);
});
