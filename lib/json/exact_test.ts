import assert from "node:assert/strict";
import fc from "fast-check";
import { asInteger, asWritten, parseNumbers } from "./exact.ts";

Deno.test("asWritten: keeps every digit of a number", () => {
  for (const text of ['{"a":[9007199254740993,1.0,-0,1e2,5]}', "12345678901234567890.50", '"1"']) {
    assert.equal(JSON.stringify(parseNumbers(text, asWritten)), text);
  }
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(
      parseNumbers(JSON.stringify(value), (number) => number),
      JSON.parse(JSON.stringify(value)),
    );
  }));
});

Deno.test("asWritten: number that JavaScript writes the same, stays a number", () => {
  assert.deepEqual(parseNumbers('{"a":5,"b":[0.5]}', asWritten), { a: 5, b: [0.5] });
});

Deno.test("asInteger: returns a bigint for an integer beyond 2^53", () => {
  assert.deepEqual(parseNumbers("[9007199254740993,-9007199254740993,7,1e20,0.5]", asInteger), [
    9007199254740993n,
    -9007199254740993n,
    7,
    1e20,
    0.5,
  ]);
});
