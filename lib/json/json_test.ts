import assert from "node:assert/strict";
import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { foldKeys, isObject, keyIndex, parse, parseJson, toJson } from "./json.ts";

function fails(run: () => unknown, message: RegExp, path?: string): void {
  assert.throws(run, (thrown: unknown) => {
    assert.ok(thrown instanceof ServerledgeError);
    assert.equal(thrown.code, "INVALID_REQUEST");
    assert.match(thrown.message, message);
    assert.equal(thrown.details?.path, path);
    return true;
  });
}

Deno.test("isObject: accepts only JSON objects", () => {
  assert.ok(isObject({}));
  for (const other of [null, [], "x", 1, undefined]) assert.ok(!isObject(other));
});

Deno.test("foldKeys: renames keys to their exact spelling and drops unknown keys", () => {
  const names = keyIndex(["MemoryMB", "Name"]);
  const folded = foldKeys({ memorymb: 1, NAME: "a", other: 2, MemoryMBs: 3 }, names);
  assert.deepEqual(folded, { MemoryMB: 1, Name: "a" });
  assert.deepEqual(foldKeys({ Name: "a", name: "b" }, names), { Name: "b" });
});

Deno.test("foldKeys: drops inherited names such as __proto__", () => {
  const hostile = JSON.parse('{"__proto__": {"Name": "x"}, "constructor": 1}');
  const folded = foldKeys(hostile, keyIndex(["Name"]));
  assert.deepEqual(folded, {});
  assert.equal(folded.Name, undefined);
});

Deno.test("parseJson: throws INVALID_REQUEST for text that is not JSON", () => {
  assert.deepEqual(parseJson(' {"a": [1]} '), { a: [1] });
  for (const text of ["", "{", "nonsense", "{'a': 1}"]) {
    fails(() => parseJson(text), /^The body is not JSON: /);
  }
});

Deno.test("parse: names the path of an invalid value", () => {
  const schema = v.object({
    Name: v.string("expected a string"),
    Inputs: v.optional(v.array(v.object({ Type: v.string("expected a string") }))),
  });
  assert.deepEqual(parse(schema, { Name: "a" }), { Name: "a" });
  fails(() => parse(schema, {}), /^Name: is required$/, "Name");
  fails(() => parse(schema, { Name: 1 }), /^Name: expected a string$/, "Name");
  const nested = { Name: "a", Inputs: [{ Type: "Int" }, { Type: 7 }] };
  fails(() => parse(schema, nested), /^Inputs\.1\.Type: expected a string$/, "Inputs.1.Type");
  fails(() => parse(schema, "text"), /./, "");
});

Deno.test("toJson: value nested too deeply, throws UNPROCESSABLE with its path", () => {
  const depth = 100_000;
  const deep = parseJson("[".repeat(depth) + "]".repeat(depth));
  // V8 writes some values without recursion; texts of some length are not among them.
  const call = { id: "x".repeat(50), params: { deep, text: "text" } };
  assert.throws(() => toJson(call), { code: "UNPROCESSABLE", details: { path: "Params" } });
  assert.equal(toJson({ params: [1] }), '{"params":[1]}');
});
