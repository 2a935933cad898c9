import assert from "node:assert/strict";
import type { WasmNumberType, WasmSignature } from "./binary.ts";
import { numbersToJson, toNumbers } from "./numbers.ts";

const numbers = (params: unknown, signature: WasmSignature) =>
  toNumbers(JSON.stringify(params), signature);
const taking = (...parameters: WasmNumberType[]) => ({ parameters, results: [] });

Deno.test("toNumbers: reads params in order or from a list", () => {
  const { parameters } = taking("i32", "i64", "f64");
  const signature = { parameters, results: [] };
  assert.deepEqual(numbers({ a: 1, b: 2, c: 0.5 }, signature), [1, 2n, 0.5]);
  assert.deepEqual(numbers({ args: ["1", "-2", "1e3"], more: 1 }, signature), [1, -2n, 1000]);
  assert.deepEqual(numbers({ a: true, b: true, c: "Infinity" }, signature), [1, 1n, Infinity]);
  assert.deepEqual(numbers(null, taking()), []);
});

Deno.test("toNumbers: rejects values that are no numbers of the type", () => {
  for (const bad of ["", " ", "x", null, [], {}, 0.5, Infinity]) {
    assert.throws(() => numbers({ bad }, taking("i32")), /argument 1 must be i32/);
    assert.throws(() => numbers({ bad }, taking("i64")), /argument 1 must be i64/);
  }
  assert.throws(() => numbers({ a: 1 }, taking()), /takes 0 numbers \(none\)/);
});

Deno.test("toNumbers: keeps all digits of integers or rejects them", () => {
  assert.deepEqual(
    toNumbers('{"a":9007199254740993,"b":-9223372036854775808}', taking("i64", "i64")),
    [9007199254740993n, -(2n ** 63n)],
  );
  assert.deepEqual(toNumbers('{"a":18446744073709551615}', taking("i64")), [2n ** 64n - 1n]);
  assert.deepEqual(toNumbers('{"a":4294967295,"b":"-2147483648"}', taking("i32", "i32")), [
    4294967295,
    -2147483648,
  ]);
  const refused: [string, WasmNumberType, RegExp][] = [
    [
      "18446744073709551616",
      "i64",
      /i64: current value is 18446744073709551616, which does not fit in 64 bits/,
    ],
    ["-9223372036854775809", "i64", /does not fit in 64 bits/],
    ['"9223372036854775808000"', "i64", /does not fit in 64 bits/],
    ["1e20", "i64", /does not fit in 64 bits/],
    ["4294967296", "i32", /i32: current value is 4294967296, which does not fit in 32 bits/],
    ["-2147483649", "i32", /does not fit in 32 bits/],
    [
      "9007199254740993",
      "f64",
      /f64: current value is 9007199254740993, which a double cannot represent exactly/,
    ],
  ];
  for (const [sent, type, problem] of refused) {
    assert.throws(() => toNumbers(`{"a":${sent}}`, taking(type)), problem);
  }
  assert.deepEqual(toNumbers('{"a":9007199254740994}', taking("f64")), [9007199254740994]);
});

Deno.test("numbersToJson: converts results to JSON", () => {
  assert.equal(numbersToJson(undefined), "null");
  assert.equal(numbersToJson(-0.5), "-0.5");
  assert.equal(numbersToJson(2n ** 63n - 1n), "9223372036854775807");
  assert.equal(numbersToJson([1, 2n, NaN]), "[1,2,null]");
});
