import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import * as v from "valibot";
import {
  functionNames,
  patchDefinition,
  readDefinition,
  storedFunctionSchema,
  usesRights,
} from "./function.ts";

const least = { Name: "hello", Runtime: "python", MemoryMB: 128 };

function refusal(body: unknown): [code: string, path: unknown] {
  try {
    readDefinition(body);
  } catch (thrown) {
    assert.ok(thrown instanceof ServerledgeError);
    assert.doesNotMatch(thrown.message, /\n/);
    return [thrown.code, thrown.details?.path];
  }
  assert.fail(`It is accepted: ${JSON.stringify(body)}`);
}

Deno.test("readDefinition: a minimal definition gets all defaults", () => {
  assert.deepEqual(readDefinition(least), {
    name: "hello",
    runtime: "python",
    memoryMib: 128,
    cpu: 0,
    maxConcurrency: 1,
    handler: "",
    code: "",
    customImage: "",
    architectures: [],
    signature: null,
    timeoutMs: 0,
    env: {},
    network: "none",
    locality: "any",
    invokes: [],
    secrets: [],
    minInstances: 0,
  });
});

Deno.test("readDefinition: keys may be in any case, names of variables keep theirs", () => {
  const { name, memoryMib, signature, env } = readDefinition({
    name: "hello",
    runtime: "python",
    memoryMb: 64,
    signature: { inputs: [{ name: "n", type: "Int" }], OUTPUTS: null },
    env: { Path: "a", PATH: "b" },
  });
  assert.equal(name, "hello");
  assert.equal(memoryMib, 64);
  assert.deepEqual(signature, { inputs: [{ name: "n", type: "Int" }], outputs: [] });
  assert.deepEqual(env, { Path: "a", PATH: "b" });
});

Deno.test("readDefinition: null, which Go clients send, means the default", () => {
  const nulls = { Signature: null, SupportedArchs: null, Env: null, CPUDemand: null };
  assert.deepEqual(readDefinition({ ...least, ...nulls }), readDefinition(least));
});

Deno.test("readDefinition: a concurrency below one means one", () => {
  for (const MaxConcurrency of [0, -1, -32768]) {
    assert.equal(readDefinition({ ...least, MaxConcurrency }).maxConcurrency, 1);
  }
  assert.equal(readDefinition({ ...least, MaxConcurrency: 7 }).maxConcurrency, 7);
});

Deno.test("readDefinition: a CPU demand below zero means none", () => {
  assert.equal(readDefinition({ ...least, CPUDemand: -1 }).cpu, 0);
  assert.equal(readDefinition({ ...least, CPUDemand: 0.5 }).cpu, 0.5);
});

Deno.test("readDefinition: accepts only names that are safe in paths, ids and container names", () => {
  for (const Name of ["a", "Hello-1.2_x", "0", "x".repeat(128)]) {
    assert.equal(readDefinition({ ...least, Name }).name, Name);
  }
  const bad = ["", ".", "..", "-x", "_x", "a/b", "a b", "a\n", "é", "x".repeat(129), 7, null];
  for (const Name of bad) assert.deepEqual(refusal({ ...least, Name })[1], "Name");
});

Deno.test("readDefinition: a field of the wrong type is an invalid request", () => {
  assert.deepEqual(refusal(null), ["INVALID_REQUEST", undefined]);
  assert.deepEqual(refusal([least]), ["INVALID_REQUEST", undefined]);
  const cases: [Record<string, unknown>, string][] = [
    [{ Runtime: 1 }, "Runtime"],
    [{ Runtime: undefined }, "Runtime"],
    [{ MemoryMB: 1.5 }, "MemoryMB"],
    [{ MemoryMB: Infinity }, "MemoryMB"],
    [{ CPUDemand: "1" }, "CPUDemand"],
    [{ TarFunctionCode: {} }, "TarFunctionCode"],
    [{ SupportedArchs: "amd64" }, "SupportedArchs"],
    [{ Signature: { Inputs: [{ Name: "n" }] } }, "Signature.Inputs.0.Type"],
    [{ Signature: [] }, "Signature"],
    [{ Env: { A: 1 } }, "Env.A"],
    [{ Env: [] }, "Env"],
    [{ Network: "host" }, "Network"],
    [{ Invokes: "resize" }, "Invokes"],
    [{ Invokes: ["resize", "a b"] }, "Invokes.1"],
  ];
  for (const [fields, path] of cases) {
    assert.deepEqual(refusal({ ...least, ...fields }), ["INVALID_REQUEST", path]);
  }
});

Deno.test("readDefinition: a value out of bounds is unprocessable", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ MemoryMB: 0 }, "MemoryMB"],
    [{ MemoryMB: 2 ** 20 + 1 }, "MemoryMB"],
    [{ CPUDemand: -1025 }, "CPUDemand"],
    [{ CPUDemand: 1025 }, "CPUDemand"],
    [{ MaxConcurrency: 32768 }, "MaxConcurrency"],
    [{ TimeoutMs: -1 }, "TimeoutMs"],
    [{ TimeoutMs: 86_400_001 }, "TimeoutMs"],
    [{ MinInstances: 1001 }, "MinInstances"],
    [{ Invokes: Array(33).fill("f") }, "Invokes"],
    [{ Env: { "1A": "x" } }, "Env.1A"],
    [{ Env: { A: "x\0" } }, "Env.A"],
    [{ Env: Object.fromEntries(Array.from({ length: 129 }, (_, at) => [`A${at}`, ""])) }, "Env"],
  ];
  for (const [fields, path] of cases) {
    assert.deepEqual(refusal({ ...least, ...fields }), ["UNPROCESSABLE", path]);
  }
});

Deno.test("readDefinition: sets the default of absent memory", () => {
  assert.equal(readDefinition({ Name: "hello", Runtime: "python" }).memoryMib, 128);
});

Deno.test("patchDefinition: keeps absent fields and resets null to the default", () => {
  const { code: _, ...fields } = readDefinition({
    ...least,
    MemoryMB: 512,
    Handler: "a.b",
    TimeoutMs: 700,
    Network: "bridge",
    Env: { KEPT: "1", CHANGED: "2", REMOVED: "3" },
  });
  const record = { ...fields, codeHash: "abc", version: "1" };
  assert.deepEqual(patchDefinition(record, {}), { ...fields, code: "" });
  const changes = {
    memorymb: 64,
    TimeoutMs: null,
    Env: { CHANGED: "4", NEW: "5", REMOVED: null },
    TarFunctionCode: "YQ==",
  };
  assert.deepEqual(patchDefinition(record, changes), {
    ...fields,
    memoryMib: 64,
    timeoutMs: 0,
    env: { KEPT: "1", CHANGED: "4", NEW: "5" },
    code: "YQ==",
  });
  assert.deepEqual(patchDefinition(record, { Env: null }).env, {});
});

Deno.test("patchDefinition: an unknown field is refused with the likely one", () => {
  const { code: _, ...fields } = readDefinition(least);
  const record = { ...fields, codeHash: "", version: "1" };
  assert.throws(() => patchDefinition(record, { MemoriMB: 1 }), {
    message: "MemoriMB: unknown field; did you mean MemoryMB?",
  });
  assert.equal(
    patchDefinition(record, { ...functionNames.toWire(record), MemoryMB: 99 }).memoryMib,
    99,
  );
});

Deno.test("patchDefinition: refuses another name and values out of bounds", () => {
  const { code: _, ...fields } = readDefinition(least);
  const record = { ...fields, codeHash: "", version: "1" };
  const cases: [unknown, string][] = [
    [{ Name: "other" }, "INVALID_REQUEST"],
    [[], "INVALID_REQUEST"],
    [{ Env: [] }, "INVALID_REQUEST"],
    [{ MemoryMB: "much" }, "INVALID_REQUEST"],
    [{ MemoryMB: 0 }, "UNPROCESSABLE"],
    [{ Memory: 1 }, "INVALID_REQUEST"],
  ];
  for (const [changes, code] of cases) {
    assert.throws(() => patchDefinition(record, changes), { code }, JSON.stringify(changes));
  }
});

Deno.test("functionNames.toWire: writes the stored format of registries, byte for byte", () => {
  const stored = '{"Name":"hello","Runtime":"wasm","MemoryMB":128,"CPUDemand":0.5,' +
    '"MaxConcurrency":1,"Handler":"hello.wasm","CustomImage":"","SupportedArchs":["amd64","arm64"],' +
    '"Signature":{"Inputs":[{"Name":"n","Type":"Int"}],"Outputs":[]},"TimeoutMs":700,' +
    '"Env":{"LANG":"C"},"Network":"none","Locality":["EDGE"],"Stateful":true,"Http":"cgi",' +
    '"Invokes":["resize-*"],"Secrets":[],"MinInstances":1,"CodeHash":"0a","Version":"v1"}';
  const record = v.parse(storedFunctionSchema, JSON.parse(stored));
  assert.deepEqual([record.memoryMib, record.cpu, record.architectures], [128, 0.5, [
    "amd64",
    "arm64",
  ]]);
  assert.equal(JSON.stringify(functionNames.toWire(record)), stored);
});

Deno.test("usesRights: only what decides what the code does or may invoke, or who may invoke it", () => {
  const { code: _, ...fields } = readDefinition({ ...least, Env: { KEPT: "1" } });
  const record = { ...fields, codeHash: "abc", version: "1" };
  const decides = (changes: unknown) => usesRights(record, patchDefinition(record, changes));
  assert(!decides({}));
  assert(!decides({ MemoryMB: 99, MinInstances: 2, Env: {} }));
  for (
    const changes of [
      { TarFunctionCode: "AAAA" },
      { Runtime: "nodejs" },
      { Handler: "other.handler" },
      { CustomImage: "me/mine:2" },
      { Env: { NEW: "1" } },
      { Invokes: ["other"] },
      { Public: true },
    ]
  ) assert(decides(changes), JSON.stringify(changes));
  const open = { ...record, public: true };
  assert(!usesRights(open, patchDefinition(open, { Public: true, MemoryMB: 99 })));
  assert(!usesRights(open, patchDefinition(open, { Public: false })));
});
