import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { invokeSchema, readInvokeRequest } from "./invocation.ts";

Deno.test("an empty body, null fields and absent fields mean the defaults", () => {
  const defaults = {
    Params: null,
    QoSClass: 0,
    QoSMaxRespT: 0,
    Locality: "any",
    CanDoOffloading: false,
    Async: false,
    ReturnOutput: false,
  };
  assert.deepEqual(readInvokeRequest(""), defaults);
  assert.deepEqual(readInvokeRequest("{}"), defaults);
  const nulls = Object.fromEntries(Object.keys(defaults).map((key) => [key, null]));
  assert.deepEqual(readInvokeRequest(JSON.stringify(nulls)), defaults);
});

Deno.test("the defaults of one request are not those of another", () => {
  const request = readInvokeRequest("");
  assert.throws(() => Object.assign(request, { Async: true }), TypeError);
});

Deno.test("params reach the function as they were sent", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (params) => {
    const text = JSON.stringify({ params });
    assert.deepEqual(readInvokeRequest(text).Params, JSON.parse(text).params);
  }));
});

Deno.test("any case of the keys is read as the schema reads the exact one", () => {
  const body = fc.record({
    Params: fc.dictionary(fc.string(), fc.integer()),
    QoSClass: fc.oneof(fc.integer(), fc.string()),
    QoSMaxRespT: fc.double({ noNaN: true, noDefaultInfinity: true }),
    CanDoOffloading: fc.boolean(),
    Async: fc.boolean(),
    ReturnOutput: fc.boolean(),
  }, { requiredKeys: [] });
  fc.assert(fc.property(body, fc.infiniteStream(fc.boolean()), (exact, upper) => {
    const respell = (key: string) =>
      [...key].map((letter) => upper.next().value ? letter.toUpperCase() : letter.toLowerCase());
    const entries = Object.entries(exact).map(([key, value]) => [respell(key).join(""), value]);
    const read = readInvokeRequest(JSON.stringify(Object.fromEntries(entries)));
    assert.deepEqual(read, v.parse(invokeSchema, JSON.parse(JSON.stringify(exact))));
  }));
});

Deno.test("a QoS class is an id or a name", () => {
  assert.equal(readInvokeRequest('{"QoSClass":3}').QoSClass, 3);
  assert.equal(readInvokeRequest('{"QoSClass":"gold"}').QoSClass, "gold");
});

Deno.test("what is no invocation is refused with the path of the bad field", () => {
  const cases: [string, string | undefined][] = [
    ["null", undefined],
    ["[]", undefined],
    ['"x"', undefined],
    ['{"Params":"x"}', "Params"],
    ['{"QoSClass":true}', "QoSClass"],
    ['{"QoSMaxRespT":1e999}', "QoSMaxRespT"],
    ['{"CanDoOffloading":1}', "CanDoOffloading"],
    ['{"returnoutput":"true"}', "ReturnOutput"],
  ];
  for (const [body, path] of cases) {
    assert.throws(() => readInvokeRequest(body), (thrown: unknown) => {
      assert.ok(thrown instanceof ServerledgeError);
      assert.equal(thrown.code, "INVALID_REQUEST", body);
      assert.equal(thrown.details?.path, path, body);
      return true;
    });
  }
});
