import assert from "node:assert/strict";
import fc from "fast-check";
import { asInteger, asWritten, parseNumbers } from "./exact.ts";

Deno.test("numbers that are kept as written come back digit by digit", () => {
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

Deno.test("a number that JavaScript writes the same is a number", () => {
  assert.deepEqual(parseNumbers('{"a":5,"b":[0.5]}', asWritten), { a: 5, b: [0.5] });
});

Deno.test("integers beyond 2^53 are bigints", () => {
  assert.deepEqual(parseNumbers("[9007199254740993,-9007199254740993,7,1e20,0.5]", asInteger), [
    9007199254740993n,
    -9007199254740993n,
    7,
    1e20,
    0.5,
  ]);
});
