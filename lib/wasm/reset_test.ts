import assert from "node:assert/strict";
import {
  globals,
  moduleBytes,
  running,
  section,
} from "../../tests/support/functions/wasm_bytes.ts";
import { readWasm } from "./binary.ts";
import { importMemory } from "./memory.ts";
import { InstanceReset } from "./reset.ts";

const give = [0x41, 1];
const table = section(4, [1, 0x70, 0, 1]);
const memory = section(5, [1, 0, 1]);

function of(bytes: Uint8Array<ArrayBuffer>): InstanceReset | undefined {
  assert.ok(WebAssembly.validate(bytes), "the engine accepts the module");
  return InstanceReset.of(bytes, readWasm(bytes));
}

/** Reports whether a module with a table and given instructions can be reset. */
function withTable(...instructions: number[]): boolean {
  const memoryAndData = [memory, section(11, [1, 0, 0x41, 0, 0x0b, 0])];
  return of(running([...instructions, ...give], table, ...memoryAndData)) !== undefined;
}

Deno.test("InstanceReset: restores memory and globals", () => {
  // Adds the value at 100 to the first global, changes both, and returns the sum.
  const sum = [0x23, 0, 0x41, 0xe4, 0, 0x2d, 0, 0, 0x6a, 0x24, 0];
  const write = [0x41, 0xe4, 0, 0x23, 0, 0x3a, 0, 0, 0x41, 0, 0x41, 1, 0x3a, 0, 0, 0x23, 0];
  const data = section(11, [2, 0, 0x41, 0xe4, 0, 0x0b, 1, 5, 0, 0x41, 0xe6, 0, 0x0b, 1, 6]);
  const bytes = running([...sum, ...write], globals, memory, data);
  const reset = of(bytes)!;
  const facts = readWasm(bytes);
  const given = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const rewritten = importMemory(bytes, facts, 2, reset.exports) as Uint8Array<ArrayBuffer>;
  const module = new WebAssembly.Module(rewritten);
  const { exports } = new WebAssembly.Instance(module, { serverledge: { memory: given } });
  const instance = { exports, memory: given };
  const before = new Uint8Array(given.buffer).slice();
  reset.observe(instance);
  const call = exports.run as () => number;
  for (let i = 0; i < 3; i++) {
    assert.deepEqual([call(), call()], [12, 24]);
    assert.ok(reset.canReset(instance));
    reset.reset(instance);
    assert.deepEqual(new Uint8Array(given.buffer), before);
  }
  given.grow(1);
  assert.equal(reset.canReset(instance), false, "memory that has grown cannot shrink");
});

Deno.test("InstanceReset: refuses a module that can change its table", () => {
  const zero = [0x41, 0];
  const changes = {
    "table.set": [...zero, 0xd0, 0x70, 0x26, 0],
    "table.set, a long index": [...zero, 0xd0, 0x70, 0x26, 0x80, 0x80, 0],
    "table.copy": [...zero, ...zero, ...zero, 0xfc, 14, 0, 0],
    "table.grow": [0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a],
    "table.grow, a long code": [0xd0, 0x70, 0x41, 1, 0xfc, 0x8f, 0x80, 0, 0, 0x1a],
    "table.fill": [...zero, 0xd0, 0x70, ...zero, 0xfc, 17, 0x80, 0],
  };
  for (const [name, instructions] of Object.entries(changes)) {
    assert.equal(withTable(...instructions), false, name);
  }
});

Deno.test("InstanceReset: accepts modules whose code only resembles such changes", () => {
  const harmless = {
    "i32.const": [0x41, 0xa6, 0x26, 0x1a],
    "i64.const": [0x42, 0xfc, 0x8e, 0x26, 0x1a],
    "i32.load": [0x41, 0, 0x28, 2, 0x26, 0x1a],
    "memory.copy": [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0],
    "memory.fill": [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0],
    "table.get": [0x41, 0, 0x25, 0, 0x1a],
    "table.size": [0xfc, 16, 0, 0x1a],
  };
  for (const [name, instructions] of Object.entries(harmless)) {
    assert.equal(withTable(...instructions), true, name);
  }
});

Deno.test("InstanceReset: refuses a module with other mutable state", () => {
  const active = [0, 0x41, 0, 0x0b, 1, 0];
  const cases = {
    "a start function": moduleBytes(
      section(1, [1, 0x60, 0, 0]),
      section(3, [1, 0]),
      section(8, [0]),
      section(10, [1, 2, 0, 0x0b]),
    ),
    "a float": running(give, section(6, [1, 0x7d, 1, 0x43, 0, 0, 0xc0, 0x7f, 0x0b])),
    "a reference": running(give, section(6, [1, 0x70, 1, 0xd0, 0x70, 0x0b])),
    "much memory": running(give, section(5, [1, 0, 0x81, 2])),
    "passive data": running(give, memory, section(11, [1, 1, 1, 42])),
    "passive elements": running(give, table, section(9, [1, 1, 0, 1, 0])),
    "several lists of elements": running(give, table, section(9, [2, ...active, ...active])),
    "several tables": running(give, section(4, [2, 0x70, 0, 1, 0x70, 0, 1])),
    "a table of objects": running(give, section(4, [1, 0x6f, 0, 1])),
    "data behind the end of the memory": running(
      give,
      memory,
      section(11, [1, 0, 0x41, 0x80, 0x80, 4, 0x0b, 1, 5]),
    ),
    "data at a negative address": running(give, memory, section(11, [1, 0, 0x41, 0x7f, 0x0b, 0])),
  };
  for (const [name, bytes] of Object.entries(cases)) assert.equal(of(bytes), undefined, name);
  assert.ok(of(running(give, table, memory, section(9, [1, ...active]))));
});

Deno.test("InstanceReset: refuses a module that exports a reserved name", () => {
  const taken = [...new TextEncoder().encode("serverledge.global.0")];
  const exports = section(7, [1, taken.length, ...taken, 0, 0]);
  const bytes = moduleBytes(
    section(1, [1, 0x60, 0, 1, 0x7f]),
    section(3, [1, 0]),
    globals,
    exports,
    section(10, [1, 4, 0, ...give, 0x0b]),
  );
  assert.equal(of(bytes), undefined);
});
