import assert from "node:assert/strict";
import type { WasmExport, WasmMemory, WasmModuleFacts } from "./binary.ts";
import {
  findWasmHandler,
  planWasm,
  wasiModule,
  type WasmDemand,
  wasmPageLimit,
} from "./function.ts";

const memory: WasmMemory = { initial: 2, maximum: undefined, shared: false, wide: false };

function fn(parameters: string[] = [], results: string[] = []): WasmExport {
  return { kind: "function", signature: { parameters, results } as never };
}

function facts(
  exports: Record<string, WasmExport>,
  change: Partial<WasmModuleFacts> = {},
): WasmModuleFacts {
  const all = new Map(Object.entries(exports));
  return { sections: [], imports: [], exports: all, memories: [memory], ...change };
}

const demand: WasmDemand = { name: "", memoryMib: 16, stateful: false, http: "event" };
const handler = fn(["i32", "i32"], ["i64"]);
const alloc = fn(["i32"], ["i32"]);

Deno.test("findWasmHandler: reads file and optional export of a handler", () => {
  const paths = ["a.wasm", "lib/b.wasm", "data.txt"];
  const found = (handler: string) => findWasmHandler(handler, paths);
  for (const text of ["a.wasm", "a", "./a.wasm"]) {
    assert.deepEqual(found(text), { path: "a.wasm", name: "" });
  }
  for (const text of ["a.fib", "a.wasm.fib"]) {
    assert.deepEqual(found(text), { path: "a.wasm", name: "fib" });
  }
  assert.deepEqual(found("lib/b.run"), { path: "lib/b.wasm", name: "run" });
  assert.throws(
    () => found("c"),
    /no module for the handler "c": its modules are a\.wasm, lib\/b\.wasm/,
  );
  assert.throws(() => found("data.txt"), /no module/);
});

Deno.test("findWasmHandler: accepts an empty handler for a single module", () => {
  assert.deepEqual(findWasmHandler("", ["x/only.wasm", "y"]), { path: "x/only.wasm", name: "" });
  assert.throws(() => findWasmHandler("", ["a.wasm", "b.wasm"]), /a\.wasm, b\.wasm/);
  assert.throws(() => findWasmHandler("", ["a"]), /no \.wasm file/);
});

Deno.test("planWasm: derives the form of calls from exports", () => {
  assert.deepEqual(planWasm(facts({ _start: fn() }), demand), { kind: "command" });
  assert.deepEqual(planWasm(facts({ handler, alloc }), demand), { kind: "json", name: "handler" });
  const other = planWasm(facts({ run: handler, alloc }), { ...demand, name: "run" });
  assert.deepEqual(other, { kind: "json", name: "run" });
  // Without alloc JSON cannot be passed.
  const numbers = planWasm(facts({ run: handler }), { ...demand, name: "run" });
  assert.equal(numbers.kind, "numbers");
});

Deno.test("planWasm: rejects modules that cannot be called, with the reason", () => {
  const refused = (all: Parameters<typeof facts>, change: Partial<WasmDemand>, words: RegExp) =>
    assert.throws(() => planWasm(facts(...all), { ...demand, ...change }), words);
  refused([{ add: fn() }], {}, /neither _start nor a function handler; it exports add/);
  refused([{ _start: fn(), add: fn() }], { name: "add" }, /is a command.*reactor/);
  refused([{ _start: fn() }], { stateful: true }, /cannot be stateful/);
  refused([{ handler: fn(["other"]) }], {}, /not a number/);
  refused([{ handler, alloc }, { memories: [] }], {}, /has no memory/);
  refused([{ handler }, { memories: [memory, memory] }], {}, /several memories/);
  refused([{ handler }, { memories: [{ ...memory, shared: true }] }], {}, /without threads/);
  refused([{ handler }, { memories: [{ ...memory, wide: true }] }], {}, /wasm32/);
  refused(
    [{ handler }, { memories: [{ ...memory, initial: 257 }] }],
    {},
    /initial memory is 17 MiB/,
  );
});

Deno.test("planWasm: rejects imports other than WASI preview 1", () => {
  const importing = (module: string, name: string, kind: "function" | "memory" = "function") =>
    planWasm(facts({ _start: fn() }, { imports: [{ module, name, kind }] }), demand);
  assert.equal(importing(wasiModule, "fd_write").kind, "command");
  assert.throws(() => importing(wasiModule, "fd_swim"), /imports wasi_snapshot_preview1\.fd_swim/);
  assert.throws(() => importing("env", "f"), /env\.f, .* link what defines them into the module/);
  assert.throws(() => importing("wasi_unstable", "fd_write"), /another version of WASI/);
  assert.throws(() => importing("env", "memory", "memory"), /--import-memory/);
});

Deno.test("wasmPageLimit: is bounded by the function's memory and by 32-bit addresses", () => {
  assert.equal(wasmPageLimit(128), 2048);
  assert.equal(wasmPageLimit(1 << 20), 65_536);
});
