import assert from "node:assert/strict";
import { CallOutput } from "../output.ts";
import { globals, running, section } from "../../../../../tests/support/functions/wasm_bytes.ts";
import { WasmFunction } from "./module.ts";

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

const add32 = [0x23, 0, 0x41, 1, 0x6a, 0x24, 0];
const add64 = [0x23, 1, 0x42, 1, 0x7c, 0x24, 1];
/** Returns the sum of the first two globals and adds 1 to each. */
const counting = running([0x23, 0, 0x23, 1, 0xa7, 0x6a, ...add32, ...add64], globals);
/** Returns whether the table's only entry is empty, and sets it. */
const setting = running(
  [0x41, 0, 0x25, 0, 0xd1, 0x41, 0, 0xd2, 0, 0x26, 0],
  section(4, [1, 0x70, 0, 1]),
);
/** Copies a data segment to memory, drops the segment and returns its byte. */
const dropping = running(
  [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8, 0, 0, 0xfc, 9, 0, 0x41, 0, 0x2d, 0, 0],
  section(5, [1, 0, 1]),
  section(11, [1, 1, 1, 42]),
  section(12, [1]),
);

Deno.test("WasmFunction: each call starts with the initial globals", () => {
  const call = fn(counting);
  assert.deepEqual([call(), call(), call()], [12, 12, 12]);
  const stateful = fn(counting, true);
  assert.deepEqual([stateful(), stateful()], [12, 14], "the test sees what is left");
});

Deno.test("WasmFunction: a module that uses tables or segments gets a new instance for each call", () => {
  for (const [bytes, result, left] of [[setting, 1, 0], [dropping, 42, "Trap"]] as const) {
    const call = fn(bytes);
    assert.deepEqual([call(), call(), call()], [result, result, result]);
    const stateful = fn(bytes, true);
    assert.deepEqual([stateful(), stateful()], [result, left], "the test sees what is left");
  }
});

Deno.test("WasmFunction: each call starts with the initial memory, even after growth and writes", () => {
  // Returns 10 times the number of pages plus the value at address 100, adds a page and writes to 100.
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

Deno.test("WasmFunction: a trap leaves no state for the next call", () => {
  // Traps if the first global is not 7. Otherwise changes it and traps by `unreachable`.
  const trapping = fn(
    running([0x23, 0, 0x41, 7, 0x47, 0x04, 0x40, 0x41, 1, 0x0f, 0x0b, ...add32, 0], globals),
  );
  assert.deepEqual([trapping(), trapping(), trapping()], ["Trap", "Trap", "Trap"]);
});
