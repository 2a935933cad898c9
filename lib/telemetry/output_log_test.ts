import assert from "node:assert/strict";
import { OutputLog } from "./output_log.ts";

/** Log whose time advances by 1 ms with each write. */
function newLog(): OutputLog {
  let now = 0;
  return new OutputLog({ wall: () => ++now });
}

const all = { last: Infinity };

function texts(log: OutputLog, name = "f"): string[] {
  return log.read(name, all).map(({ id, text }) => `${id} ${text}`);
}

Deno.test("OutputLog: keeps lines with the time of their arrival and their call", () => {
  const log = newLog();
  log.write("f", "f-1", "one\ntwo\n");
  log.write("f", null, "stray\n");
  log.write("g", "g-1", "other\n");
  assert.deepEqual(log.read("f", all), [
    { seq: 1, time: 1, id: "f-1", text: "one" },
    { seq: 2, time: 1, id: "f-1", text: "two" },
    { seq: 3, time: 2, id: "-", text: "stray" },
  ]);
});

Deno.test("OutputLog: continues an incomplete line only by the same call", () => {
  const log = newLog();
  log.write("f", "a", "half ");
  log.write("f", "a", "done\nnext");
  log.write("f", "b", "mine");
  log.write("f", "a", " goes on\n");
  log.write("f", "a", "last\n");
  assert.deepEqual(texts(log), ["a half done", "a next", "b mine", "a  goes on", "a last"]);
});

Deno.test("OutputLog: reads the last lines, or those after a number", () => {
  const log = newLog();
  log.write("f", null, "1\n2\n3\n4\n");
  const read = (last: number, after?: number) => log.read("f", { last, after }).map((l) => l.text);
  assert.deepEqual(read(2), ["3", "4"]);
  assert.deepEqual(read(10, 2), ["3", "4"]);
  assert.deepEqual(read(1, 2), ["4"]);
  assert.deepEqual(read(10, 4), []);
  assert.deepEqual(read(0), []);
  assert.deepEqual(log.read("unknown", all), []);
});

Deno.test("OutputLog: adds the error of an invocation after its traceback", () => {
  const log = newLog();
  const end = { functionName: "f", id: "f-1", outcome: "FUNCTION_ERROR", traceback: "at line 1" };
  log.completed({ ...end, message: "ValueError: bad" } as Parameters<OutputLog["completed"]>[0]);
  log.completed({ ...end, outcome: "OK", message: "" } as Parameters<OutputLog["completed"]>[0]);
  assert.deepEqual(texts(log), ["f-1 at line 1", "f-1 FUNCTION_ERROR: ValueError: bad"]);
});

Deno.test("OutputLog: is bounded by lines and characters of a function, and by all functions", () => {
  const log = newLog();
  log.write("f", null, "x\n".repeat(5_000));
  assert.equal(log.read("f", all).length, 1_000);
  log.write("long", null, "y".repeat(100_000));
  const [long] = log.read("long", all);
  assert.ok(long!.text.startsWith("yyy") && long!.text.length < 17_000);
  for (let i = 0; i < 200; i++) log.write("big", null, `${"z".repeat(15_000)}\n`);
  const kept = log.read("big", all).reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(kept > 900_000 && kept < 1 << 20, String(kept));
  const line = `${"w".repeat(15_000)}\n`.repeat(60);
  for (let i = 0; i < 60; i++) log.write(`many-${i}`, null, line);
  assert.deepEqual(texts(log), [], "the function that wrote least recently is forgotten");
  assert.equal(log.read("many-59", all).length, 60);
});

Deno.test("OutputLog: calls listeners after writes until disposal", () => {
  const log = newLog();
  let calls = 0;
  const listening = log.listen("f", () => calls++);
  log.write("f", null, "a\n");
  log.write("g", null, "a\n");
  listening[Symbol.dispose]();
  log.write("f", null, "b\n");
  assert.equal(calls, 1);
});

Deno.test("OutputLog: removes the output of a deleted function", () => {
  const log = newLog();
  log.write("f", null, "a\n");
  log.forget("f");
  assert.deepEqual(texts(log), []);
});
