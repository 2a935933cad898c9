import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import {
  defaultRequest,
  invokeSchema,
  readInvokeRequest,
  requestNames,
  type WireRequest,
} from "./invocation.ts";
import { noParams } from "./params.ts";

/** Reads a request, and returns it with the names of the wire and parsed parameters. */
async function read(body: string): Promise<Record<keyof WireRequest, unknown>> {
  const { params, ...rest } = await readInvokeRequest(new TextEncoder().encode(body));
  const Params = JSON.parse(new TextDecoder().decode(params.json));
  return { ...requestNames.toWire(rest) as Required<WireRequest>, Params };
}

Deno.test("readInvokeRequest: an empty body, null fields and absent fields mean the defaults", async () => {
  const defaults = {
    Params: null,
    QoSClass: 0,
    QoSMaxRespT: 0,
    Locality: "any",
    CanDoOffloading: true,
    Async: false,
    ReturnOutput: false,
  };
  assert.deepEqual(await read(""), defaults);
  assert.deepEqual(await read("{}"), defaults);
  const nulls = Object.fromEntries(Object.keys(defaults).map((key) => [key, null]));
  assert.deepEqual(await read(JSON.stringify(nulls)), defaults);
});

Deno.test("readInvokeRequest: the node sets a missing CanDoOffloading, and keeps a given one", async () => {
  for (const canOffload of [true, false]) {
    const may = async (body: string) => {
      const defaults = { ...defaultRequest, canOffload };
      return (await readInvokeRequest(new TextEncoder().encode(body), defaults)).canOffload;
    };
    for (const body of ["", "{}", '{"Params":{"name":"Ada"}}', '{"CanDoOffloading":null}']) {
      assert.equal(await may(body), canOffload, body);
    }
    assert.equal(await may('{"CanDoOffloading":false}'), false);
    assert.equal(await may('{"canDoOffloading":true}'), true);
  }
});

Deno.test("defaultRequest: cannot be changed", () => {
  assert.throws(() => Object.assign(defaultRequest, { Async: true }), TypeError);
});

Deno.test("readInvokeRequest: parameters stay unchanged", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (params) => {
      const text = JSON.stringify({ params });
      assert.deepEqual((await read(text)).Params, JSON.parse(text).params);
    }),
  );
});

Deno.test("readInvokeRequest: keys in any case are read like the exact ones", async () => {
  const body = fc.record({
    Params: fc.dictionary(fc.string(), fc.integer()),
    QoSClass: fc.oneof(fc.integer(), fc.string()),
    QoSMaxRespT: fc.double({ noNaN: true, noDefaultInfinity: true }),
    CanDoOffloading: fc.boolean(),
    Async: fc.boolean(),
    ReturnOutput: fc.boolean(),
  }, { requiredKeys: [] });
  await fc.assert(fc.asyncProperty(body, fc.infiniteStream(fc.boolean()), async (exact, upper) => {
    const respell = (key: string) =>
      [...key].map((letter) => upper.next().value ? letter.toUpperCase() : letter.toLowerCase());
    const entries = Object.entries(exact).map(([key, value]) => [respell(key).join(""), value]);
    const request = await read(JSON.stringify(Object.fromEntries(entries)));
    const { CanDoOffloading = true, ...rest } = v.parse(
      invokeSchema,
      JSON.parse(JSON.stringify(exact)),
    );
    assert.deepEqual(request, { ...rest, CanDoOffloading });
  }));
});

Deno.test("readInvokeRequest: a QoS class is an id or a name", async () => {
  assert.equal((await read('{"QoSClass":3}')).QoSClass, 3);
  assert.equal((await read('{"QoSClass":"gold"}')).QoSClass, "gold");
});

Deno.test("readInvokeRequest: an invalid request is refused with the path of the field", async () => {
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
    await assert.rejects(read(body), (thrown: unknown) => {
      assert.ok(thrown instanceof ServerledgeError);
      assert.equal(thrown.code, "INVALID_REQUEST", body);
      assert.equal(thrown.details?.path, path, body);
      return true;
    });
  }
});

Deno.test("readInvokeRequest: invalid JSON gives the message of the parser or the position", async () => {
  const message = (body: string) => read(body).then(() => "read", (error) => error.message);
  for (const body of ["{", '{"a":1,}', "{'a':1}", '{"Params":{"a":01}}', "\u0000"]) {
    let words = "";
    try {
      JSON.parse(body);
    } catch (error) {
      words = (error as Error).message;
    }
    assert.equal(await message(body), `The body is not JSON: ${words}`);
  }
  const long = `{"Params":{"a":"${"x".repeat(1 << 17)}"},}`;
  assert.equal(
    await message(long),
    `The body is not JSON: Expected a key in double quotes at byte ${long.length - 1}`,
  );
});

Deno.test("readInvokeRequest: a byte order mark is ignored", async () => {
  assert.deepEqual((await read('\uFEFF{"Params":{"a":1}}')).Params, { a: 1 });
});

Deno.test("readInvokeRequest: the last of duplicate fields counts, whatever its case", async () => {
  assert.deepEqual((await read('{"Params":{"a":1e999},"PARAMS":{"a":2}}')).Params, { a: 2 });
  assert.equal((await read('{"Async":true,"async":false}')).Async, false);
});

Deno.test("readInvokeRequest: parameters keep their bytes, and inexact integers are found", async () => {
  const sent = '{ "a" : [1.0, 9007199254740993],\n"z":"\\u00e9\\ud800" }';
  const body = new TextEncoder().encode(`{"Params" : ${sent} }`);
  const { params } = await readInvokeRequest(body);
  assert.equal(new TextDecoder().decode(params.json), sent);
  assert.equal(params.largeInteger, "Params.a.1");
  const { params: none } = await readInvokeRequest(new TextEncoder().encode('{"Params":null}'));
  assert.equal(none, noParams);
  await assert.rejects(read('{"Params":{"x":{"y":[0,-1e400]}}}'), {
    code: "INVALID_REQUEST",
    details: { path: "Params.x.y.1" },
    message: "Params.x.y.1: the number exceeds the range of a double; send it as a string",
  });
});

Deno.test("readInvokeRequest: only parameters may be long", async () => {
  await assert.rejects(read(`{"QoSClass":"${"x".repeat(5000)}"}`), {
    code: "INVALID_REQUEST",
    message: "QoSClass: longer than 4096 bytes",
  });
});
