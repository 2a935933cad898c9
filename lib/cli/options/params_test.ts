import assert from "node:assert/strict";
import { ServerledgeError } from "../../base/errors.ts";
import { readParams, readParamsFile } from "./params.ts";

Deno.test("readParams: a value is JSON if it parses, otherwise text", () => {
  const params = readParams([
    "n:5",
    "x:-1.5",
    "yes:true",
    "none:null",
    "list:[1,2]",
    'map:{"a":1,"b":[2,3]}',
    'id:"42"',
    "word:hello",
    "zip:0123",
    "empty:",
    "url:http://host:80/a",
  ]);
  assert.deepEqual(params, {
    n: 5,
    x: -1.5,
    yes: true,
    none: null,
    list: [1, 2],
    map: { a: 1, b: [2, 3] },
    id: "42",
    word: "hello",
    zip: "0123",
    empty: "",
    url: "http://host:80/a",
  });
});

Deno.test("readParams: a comma separates parameters if a name follows", () => {
  assert.deepEqual(readParams(["a:1,b:two", "c:3"]), { a: 1, b: "two", c: 3 });
  assert.deepEqual(readParams(["text:hello, world"]), { text: "hello, world" });
  assert.deepEqual(readParams(["a:x,y,b:[1,2],c:3"]), { a: "x,y", b: [1, 2], c: 3 });
  assert.deepEqual(readParams(['a:{"x":1,"y":{"z":2}},b:"p,q:r"']), {
    a: { x: 1, y: { z: 2 } },
    b: "p,q:r",
  });
});

Deno.test("readParams: an incomplete JSON value is text", () => {
  assert.deepEqual(readParams(["a:[1,2"]), { a: "[1,2" });
});

Deno.test("readParams: a number that is too large stays text, alone and within a value", () => {
  assert.deepEqual(
    readParams(["n:1e999", "m:-1e999", "list:[1,1e999]", 'map:{"a":1e999,"b":2},c:3']),
    {
      n: "1e999",
      m: "-1e999",
      list: "[1,1e999]",
      map: '{"a":1e999,"b":2}',
      c: 3,
    },
  );
  assert.equal(JSON.stringify(readParams(["n:1e308"])), '{"n":1e308}');
});

Deno.test("readParams: the last of two values wins, and any name is allowed", () => {
  assert.deepEqual(readParams(["a:1", "a:2"]), { a: 2 });
  assert.deepEqual(Object.keys(readParams(["__proto__:1"])), ["__proto__"]);
});

Deno.test("readParams: a parameter without a name or a colon is refused", () => {
  for (const item of ["abc", ":1", ""]) {
    assert.throws(() => readParams([item]), ServerledgeError);
  }
});

Deno.test("readParamsFile: a file contains one JSON object", () => {
  assert.deepEqual(readParamsFile('{"a": [1]}', "p.json"), { a: [1] });
  for (const text of ["", "[1]", "5", "{"]) {
    assert.throws(() => readParamsFile(text, "p.json"), /^ServerledgeError: p\.json: expected/);
  }
});

Deno.test("readParamsFile: a file may begin with a byte order mark", () => {
  assert.deepEqual(readParamsFile('\uFEFF{"a": 1}', "p.json"), { a: 1 });
});

Deno.test("readParamsFile: an error is reported with its position", () => {
  assert.throws(
    () => readParamsFile('{\n  "a": 1,\n  b: 2\n}', "p.json"),
    /p\.json: expected a JSON object [^\n]*: [^\n]*line 3/,
  );
  assert.throws(
    () => readParamsFile('{"a": [1e999]}', "p.json"),
    /p\.json: a number exceeds the range/,
  );
});

Deno.test("readParams: numbers keep all their digits", () => {
  const digits = "9".repeat(400);
  assert.equal(
    JSON.stringify(readParams([`id:9007199254740993,list:[1.10,${digits}]`, "n:5"])),
    `{"id":9007199254740993,"list":[1.10,${digits}],"n":5}`,
  );
  const file = readParamsFile('{"id": -9007199254740993, "x": {"y": [1.50]}}', "p.json");
  assert.equal(
    JSON.stringify({ ...file, ...readParams(["n:1"]) }),
    '{"id":-9007199254740993,"x":{"y":[1.50]},"n":1}',
  );
  assert.throws(() => readParamsFile("9007199254740993", "p.json"), /expected a JSON object/);
});
