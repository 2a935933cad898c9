import assert from "node:assert/strict";
import { bytesToJson, callWithJson, PointerError } from "./json.ts";

const encoder = new TextEncoder();

Deno.test("bytesToJson: JSON stays, text becomes a string, nothing becomes null", () => {
  const cases: [string, string][] = [
    ["", "null"],
    ['{"a": 1}', '{"a": 1}'],
    ["12345678901234567890\n", "12345678901234567890"],
    ["[1]\r\n", "[1]"],
    ["hello\nworld\n", '"hello\\nworld"'],
    ["\n", '""'],
  ];
  for (const [bytes, json] of cases) assert.equal(bytesToJson(encoder.encode(bytes)), json);
});

Deno.test("bytesToJson: bytes that are not UTF-8 become the body of an HTTP response", () => {
  const body = JSON.parse(bytesToJson(Uint8Array.of(0xff, 0xd8)));
  assert.deepEqual(body, { statusCode: 200, body: "/9g=", isBase64Encoded: true });
});

/** Calls a handler that gets and returns text at fixed addresses. */
function call(handler: (params: string, memory: Uint8Array) => bigint, allocated = 64) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  const freed: number[][] = [];
  const result = () =>
    callWithJson(
      (at, length) => handler(new TextDecoder().decode(bytes.slice(at, at + length)), bytes),
      { alloc: () => allocated, dealloc: (...range) => freed.push(range) },
      memory,
      encoder.encode('{"n":1}'),
    );
  return { result, freed };
}

/** Returns pointer and length as a module does. */
const packed = (pointer: number, length: number) => BigInt(pointer) << 32n | BigInt(length);

Deno.test("callWithJson: passes params, returns the result and frees it", () => {
  const { result, freed } = call((params, memory) => {
    memory.set(encoder.encode(params), 1024);
    return packed(1024, params.length);
  });
  assert.equal(result(), '{"n":1}');
  assert.deepEqual(freed, [[1024, 7]]);
});

Deno.test("callWithJson: an empty result is null and not freed", () => {
  const { result, freed } = call(() => 0n);
  assert.equal(result(), "null");
  assert.deepEqual(freed, []);
});

Deno.test("callWithJson: pointers outside of the memory are errors of the module", () => {
  assert.throws(call(() => packed(65_530, 7)).result, PointerError);
  assert.throws(call(() => packed(0xffff_ffff, 1)).result, PointerError);
  // As WebAssembly returns an i64: signed.
  assert.throws(call(() => -1n).result, PointerError);
  assert.throws(call(() => 0n, 65_530).result, /alloc is outside/);
  assert.throws(call(() => 0n, 0).result, /alloc\(7\) returned 0/);
});
