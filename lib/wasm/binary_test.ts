import assert from "node:assert/strict";
import fc from "fast-check";
import { moduleBytes, section } from "../../tests/support/functions/wasm_bytes.ts";
import { readWasm, WasmFormatError } from "./binary.ts";

/** `(type (func (param i32 i32) (result i64)))`, and a type with a reference. */
const types = section(1, [2, 0x60, 2, 0x7f, 0x7f, 1, 0x7e, 0x60, 1, 0x6f, 0]);
/** `(import "m" "f" (func (type 1)))` and `(import "m" "g" (global i32))`. */
const imports = section(2, [2, 1, 0x6d, 1, 0x66, 0, 1, 1, 0x6d, 1, 0x67, 3, 0x7f, 0]);
const functions = section(3, [1, 0]);
const memory = section(5, [1, 1, 2, 0x80, 0x02]);
/** `(export "h" (func 1))`, `(export "mem" (memory 0))`. */
const exports = section(7, [2, 1, 0x68, 0, 1, 3, 0x6d, 0x65, 0x6d, 2, 0]);
const whole = moduleBytes(types, imports, functions, memory, exports);

Deno.test("readWasm: returns imports, memory and exports", () => {
  const facts = readWasm(whole);
  assert.deepEqual(facts.imports, [
    { module: "m", name: "f", kind: "function" },
    { module: "m", name: "g", kind: "global" },
  ]);
  assert.deepEqual(facts.memories, [{ initial: 2, maximum: 256, shared: false, wide: false }]);
  const signature = { parameters: ["i32", "i32"], results: ["i64"] };
  assert.deepEqual([...facts.exports], [
    ["h", { kind: "function", signature }],
    ["mem", { kind: "memory" }],
  ]);
});

Deno.test("readWasm: accepts an empty module", () => {
  const facts = readWasm(moduleBytes());
  assert.deepEqual([facts.imports, facts.memories, facts.exports.size], [[], [], 0]);
});

Deno.test("readWasm: rejects a truncated module or returns its beginning", () => {
  for (let length = 0; length < whole.length; length++) {
    try {
      assert.ok(readWasm(whole.subarray(0, length)).sections.length < 5);
    } catch (error) {
      assert.ok(error instanceof WasmFormatError, String(error));
    }
  }
});

Deno.test("readWasm: returns properties or a format error for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length), (noise, at) => {
    const bytes = whole.slice();
    bytes.set(noise.subarray(0, bytes.length - Math.max(8, at)), Math.max(8, at));
    try {
      readWasm(bytes);
    } catch (error) {
      assert.ok(error instanceof WasmFormatError, String(error));
    }
  }));
});

Deno.test("readWasm: names formats other than core modules", () => {
  const component = Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  assert.throws(() => readWasm(component), /a component .* wasm32-wasip1/);
  assert.throws(() => readWasm(new TextEncoder().encode("(module)")), /not a WebAssembly module/);
});

Deno.test("readWasm: rejects a list that is longer than engines accept", () => {
  const claims = section(7, [0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.throws(() => readWasm(moduleBytes(claims)), /4294967295 entries/);
});
