import assert from "node:assert/strict";
import { moduleBytes, section } from "../../tests/support/wasm_bytes.ts";
import { readWasm } from "./binary.ts";
import { changesOnlyMemoryAndGlobals } from "./code.ts";

/** What is found of a function with these instructions. */
function check(...instructions: number[]): boolean {
  const locals = [1, 2, 0x7f];
  const body = [...locals, ...instructions, 0x0b];
  const bytes = moduleBytes(section(10, [1, body.length, ...body]));
  return changesOnlyMemoryAndGlobals(bytes, readWasm(bytes));
}

Deno.test("what changes tables or drops segments is found", () => {
  const zeros = [0x41, 0, 0x41, 0, 0x41, 0];
  const changes = {
    "table.set": [0x41, 0, 0xd0, 0x70, 0x26, 0],
    "data.drop": [0xfc, 9, 0],
    "table.init": [...zeros, 0xfc, 12, 0, 0],
    "elem.drop": [0xfc, 13, 0],
    "table.copy": [...zeros, 0xfc, 14, 0, 0],
    "table.grow": [0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a],
    "table.fill": [0x41, 0, 0xd0, 0x70, 0x41, 0, 0xfc, 17, 0],
  };
  for (const [name, instructions] of Object.entries(changes)) {
    assert.equal(check(0x02, 0x40, ...instructions, 0x0b), false, name);
  }
});

Deno.test("what only looks like it in operands is read as operands", () => {
  const harmless = {
    "call 38": [0x10, 0x26],
    "i32.const": [0x41, 0xa6, 0x26, 0x1a],
    "i64.const": [0x42, 0xfc, 0x89, 0x26, 0x1a],
    "f32.const": [0x43, 0x26, 0, 0xfc, 9, 0x1a],
    "f64.const": [0x44, 0x26, 0, 0xfc, 9, 0x26, 0, 0xfc, 9, 0x1a],
    "i32.load": [0x41, 0, 0x28, 2, 0x26, 0x1a],
    "br_table": [0x41, 0, 0x0e, 2, 0x26, 0x26, 0x26],
    "call_indirect": [0x41, 0, 0x11, 0x26, 0],
    "select with type": [0x1c, 1, 0x7f],
    "memory.copy": [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0],
    "memory.init": [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0x26, 0],
    "table.get": [0x41, 0, 0x25, 0x26, 0x1a],
    "v128.const": [0xfd, 12, ...Array(8).fill([0x26, 0]).flat(), 0x1a],
    "v128.load8_lane": [0xfd, 84, 0, 0x26, 0x26, 0x1a],
    "i8x16.extract_lane_s": [0xfd, 21, 0x26, 0x1a],
  };
  for (const [name, instructions] of Object.entries(harmless)) {
    assert.equal(check(...instructions), true, name);
  }
});

Deno.test("what is not known could change anything", () => {
  assert.equal(check(0xfb, 0), false, "garbage-collected objects");
  assert.equal(check(0xfe, 0x10, 2, 0), false, "atomics");
  assert.equal(check(0x02, 0x63, 0x70, 0x0b), false, "a block with a typed reference");
  assert.equal(check(0x41, 0, 0x28, 0x42, 1, 0, 0x1a), false, "another memory");
});

Deno.test("a real compiler agrees that the instructions of these tests are what they are", () => {
  const body = [0, 0x41, 0, 0xd0, 0x70, 0x26, 0, 0x0b];
  const bytes = moduleBytes(
    section(1, [1, 0x60, 0, 0]),
    section(3, [1, 0]),
    section(4, [1, 0x70, 0, 1]),
    section(10, [1, body.length, ...body]),
  );
  assert.ok(WebAssembly.validate(bytes));
  assert.equal(changesOnlyMemoryAndGlobals(bytes, readWasm(bytes)), false);
});
