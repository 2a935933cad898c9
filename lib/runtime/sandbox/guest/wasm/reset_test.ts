import assert from "node:assert/strict";
import { CallOutput } from "../output.ts";
import { moduleBytes, section } from "../../../../../tests/support/wasm_bytes.ts";
import { readWasm } from "../../../../wasm/binary.ts";
import { WasmFunction } from "./module.ts";
import { importMemory } from "../../../../wasm/memory.ts";
import { findGlobals, ResetInstance, type Running } from "../../../../wasm/reset.ts";

const run = [3, ...new TextEncoder().encode("run")];
const noMemory: number[] = [];

/** Sections of a module whose export `run` gives a number, in the format's order by their ids. */
function running(instructions: readonly number[], ...more: number[][]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const sections = [
    section(1, [1, 0x60, 0, 1, 0x7f]),
    section(3, [1, 0]),
    section(7, [1, ...run, 0, 0]),
    section(10, [1, body.length, ...body]),
    ...more,
  ];
  // That which counts segments stands before the code.
  const order = ([id]: number[]) => id === 12 ? 9.5 : id!;
  return moduleBytes(
    ...sections.filter((one) => one !== noMemory).sort((a, b) => order(a) - order(b)),
  );
}

function fn(bytes: Uint8Array, stateful = false): () => unknown {
  const made = new WasmFunction(bytes, {
    name: "run",
    memoryMib: 1,
    stateful,
    http: "event",
    functionName: "f",
    env: {},
    now: () => 0,
    collect: () => {},
  });
  return () => {
    const reply = made.call(
      { id: "c", params: "null", timeoutMs: 1000 },
      new CallOutput("c", () => {}),
    );
    made.tidy();
    return reply.ok ? JSON.parse(String(reply.result)) : reply.failure.type;
  };
}

/** After a first call, what may be used for the second. */
function prepared(bytes: Uint8Array<ArrayBuffer>): { again: ResetInstance; first: Running } {
  const facts = readWasm(bytes);
  const globals = findGlobals(bytes, facts);
  const rewritten = importMemory(bytes, facts, 1, globals?.entries) as Uint8Array<ArrayBuffer>;
  const module = new WebAssembly.Module(rewritten);
  const make = () => ({ exports: new WebAssembly.Instance(module).exports, memory: undefined });
  const again = new ResetInstance(globals, bytes, facts);
  const first = make();
  assert.equal(again.take(), undefined);
  assert.equal(again.giveBack(first), false);
  if (again.wanted) again.prepare(make);
  return { again, first };
}

/** `(global (mut i32) 7) (global (mut i64) 5) (global i32 9)`. */
const globals = section(6, [
  3,
  0x7f,
  1,
  0x41,
  7,
  0x0b,
  0x7e,
  1,
  0x42,
  5,
  0x0b,
  0x7f,
  0,
  0x41,
  9,
  0x0b,
]);
const add32 = [0x23, 0, 0x41, 1, 0x6a, 0x24, 0];
const add64 = [0x23, 1, 0x42, 1, 0x7c, 0x24, 1];
/** Gives the sum of the first two globals, and adds 1 to each. */
const counting = running([0x23, 0, 0x23, 1, 0xa7, 0x6a, ...add32, ...add64], globals);
/** Tells whether the table's only entry is empty, and sets it. */
const setting = running(
  [0x41, 0, 0x25, 0, 0xd1, 0x41, 0, 0xd2, 0, 0x26, 0],
  section(4, [1, 0x70, 0, 1]),
);
/** Copies a segment of data to memory, drops the segment, and gives its byte. */
const dropping = running(
  [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8, 0, 0, 0xfc, 9, 0, 0x41, 0, 0x2d, 0, 0],
  section(5, [1, 0, 1]),
  section(11, [1, 1, 1, 42]),
  section(12, [1]),
);

Deno.test("an instance is made new again and again", () => {
  const { again, first } = prepared(counting);
  const one = again.take()!;
  assert.notEqual(one, first);
  const call = one.exports.run as () => number;
  assert.deepEqual([call(), call()], [12, 14]);
  assert.equal(again.take(), undefined, "it is not given twice");
  assert.equal(again.giveBack(one), true);
  assert.equal(again.take(), one);
  assert.deepEqual([call(), call()], [12, 14]);
});

Deno.test("globals are as new in each call", () => {
  const call = fn(counting);
  assert.deepEqual([call(), call(), call()], [12, 12, 12]);
  const stateful = fn(counting, true);
  assert.deepEqual([stateful(), stateful()], [12, 14], "the test sees what is left");
});

Deno.test("tables and segments are as new in each call, by a new instance", () => {
  for (const [bytes, result, left] of [[setting, 1, 0], [dropping, 42, "Trap"]] as const) {
    const call = fn(bytes);
    assert.deepEqual([call(), call(), call()], [result, result, result]);
    const stateful = fn(bytes, true);
    assert.deepEqual([stateful(), stateful()], [result, left], "the test sees what is left");
  }
  assert.equal(prepared(setting).again.take(), undefined);
});

Deno.test("memory that has grown and was written is as new in each call", () => {
  // Gives 10 times the pages and what stands at 100, adds a page and writes there.
  const size = [0x3f, 0, 0x41, 10, 0x6c, 0x41, 0xe4, 0, 0x2d, 0, 0, 0x6a];
  const write = [0x41, 0xe4, 0, 0x41, 3, 0x3a, 0, 0];
  const grow = [0x41, 1, 0x40, 0, 0x1a];
  const memory = section(5, [1, 0, 1]);
  const data = section(11, [1, 0, 0x41, 0xe4, 0, 0x0b, 1, 5]);
  const growing = fn(running([...size, ...write, ...grow], memory, data));
  assert.deepEqual([growing(), growing(), growing(), growing()], [15, 15, 15, 15]);
  const writing = fn(running([...size, ...write], memory, data));
  assert.deepEqual([writing(), writing(), writing()], [15, 15, 15]);
  const stateful = fn(running([...size, ...write, ...grow], memory, data), true);
  assert.deepEqual([stateful(), stateful()], [15, 23], "the test sees what is left");
});

Deno.test("what a trap leaves is gone in the next call", () => {
  // Traps if the first global is not 7, else changes it and traps by `unreachable`.
  const trapping = fn(
    running([0x23, 0, 0x41, 7, 0x47, 0x04, 0x40, 0x41, 1, 0x0f, 0x0b, ...add32, 0], globals),
  );
  assert.deepEqual([trapping(), trapping(), trapping()], ["Trap", "Trap", "Trap"]);
});

Deno.test("instances with more that can change are not used again", () => {
  const give = [0x41, 1];
  const cases = {
    "a start function": running(give, section(8, [0])),
    "a float": running(give, section(6, [1, 0x7d, 1, 0x43, 0, 0, 0xc0, 0x7f, 0x0b])),
    "a reference": running(give, section(6, [1, 0x70, 1, 0xd0, 0x70, 0x0b])),
    "much memory": running(give, section(5, [1, 0, 0x81, 2])),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    assert.equal(findGlobals(bytes, readWasm(bytes)), undefined, name);
  }
  const taken = [...new TextEncoder().encode("serverledge.global.0")];
  const exports = section(7, [2, ...run, 0, 0, taken.length, ...taken, 0, 0]);
  const clash = running(give, globals);
  const at = clash.findIndex((_, i) => clash[i] === 7 && clash[i + 1] === 7 && clash[i + 2] === 1);
  const bytes = Uint8Array.from([...clash.slice(0, at), ...exports, ...clash.slice(at + 9)]);
  assert.ok(WebAssembly.validate(bytes));
  assert.equal(findGlobals(bytes, readWasm(bytes)), undefined);
  assert.equal(fn(bytes)(), 1);
});
