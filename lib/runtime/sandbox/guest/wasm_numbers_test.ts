import assert from "node:assert/strict";
import type { WasmNumberType } from "../../../model/wasm_binary.ts";
import { numbersToJson, toNumbers } from "./wasm_numbers.ts";

const taking = (...parameters: WasmNumberType[]) => ({ parameters, results: [] });

Deno.test("params are numbers by their order, or a list", () => {
  const { parameters } = taking("i32", "i64", "f64");
  const signature = { parameters, results: [] };
  assert.deepEqual(toNumbers({ a: 1, b: 2, c: 0.5 }, signature), [1, 2n, 0.5]);
  assert.deepEqual(toNumbers({ args: ["1", "-2", "1e3"], more: 1 }, signature), [1, -2n, 1000]);
  assert.deepEqual(toNumbers({ a: true, b: true, c: "Infinity" }, signature), [1, 1n, Infinity]);
  assert.deepEqual(toNumbers(null, taking()), []);
});

Deno.test("whatever is no number of the type is refused", () => {
  for (const bad of ["", " ", "x", null, [], {}, 0.5, Infinity]) {
    assert.throws(() => toNumbers({ bad }, taking("i32")), /argument 1 must be i32/);
    assert.throws(() => toNumbers({ bad }, taking("i64")), /argument 1 must be i64/);
  }
  assert.throws(() => toNumbers({ a: 1 }, taking()), /takes 0 numbers \(none\)/);
});

Deno.test("results are JSON", () => {
  assert.equal(numbersToJson(undefined), "null");
  assert.equal(numbersToJson(-0.5), "-0.5");
  assert.equal(numbersToJson(2n ** 63n - 1n), "9223372036854775807");
  assert.equal(numbersToJson([1, 2n, NaN]), "[1,2,null]");
});
