import assert from "node:assert/strict";
import { readMixEntry, scenarioOf } from "./options.ts";
import type { BenchOptions } from "../commands/bench_options.ts";

const none = { mix: [], params: [], headers: [] } as unknown as BenchOptions;

Deno.test("readMixEntry: reads a function with its class and weight", () => {
  assert.deepEqual(readMixEntry("fib"), { function: "fib" });
  assert.deepEqual(readMixEntry("fib@critical"), { function: "fib", class: "critical" });
  assert.deepEqual(readMixEntry("fib=2.5"), { function: "fib", weight: 2.5 });
  assert.deepEqual(readMixEntry("f-1@2=3"), { function: "f-1", class: "2", weight: 3 });
  for (const text of ["", "@a", "fib@", "fib=x", "fib=1@a", "a@b@c"]) {
    assert.throws(() => readMixEntry(text), { code: "INVALID_REQUEST" }, text);
  }
});

Deno.test("scenarioOf: converts the options given and leaves out the others", async () => {
  const scenario = await scenarioOf({
    ...none,
    mix: ["fib@critical=2", "hello"],
    params: ["n:5"],
    qosClass: "1",
    respTime: 0.5,
    rate: 10,
    burstFactor: 4,
  } as BenchOptions);
  assert.deepEqual(scenario, {
    rate: 10,
    burst: { factor: 4 },
    mix: [
      { function: "fib", class: "critical", weight: 2, limit: 0.5, params: { n: 5 } },
      { function: "hello", class: "1", limit: 0.5, params: { n: 5 } },
    ],
  });
});

Deno.test("scenarioOf: reads method, headers and body of a URL", async () => {
  const options = { url: "http://h/", method: "put", body: "x", headers: ["A: b:c"] };
  const { mix } = await scenarioOf({ ...none, ...options } as unknown as BenchOptions);
  assert.deepEqual(mix, [{ url: "http://h/", method: "PUT", body: "x", headers: { A: "b:c" } }]);
});

Deno.test("scenarioOf: rejects options of a URL without one, and headers without a name", async () => {
  const given = (options: object) => scenarioOf({ ...none, ...options } as BenchOptions);
  await assert.rejects(given({ mix: ["f"], body: "x" }), /--body is for --url/);
  await assert.rejects(given({ mix: ["f"], headers: ["x"] }), /NAME:VALUE/);
  await assert.rejects(given({ mix: ["f"], duration: 1e9 }), /duration: must be at most/);
});

Deno.test("scenarioOf: rejects options of functions without a function", async () => {
  const given = (options: object) => scenarioOf({ ...none, ...options } as BenchOptions);
  const url = "http://h/";
  await assert.rejects(given({ url, params: ["a:1"] }), /--param is for functions/);
  await assert.rejects(given({ url, qosClass: "1" }), /--class is for functions/);
  await assert.rejects(given({ url, noOffload: true }), /--no-offload is for functions/);
  await assert.rejects(given({ trace: "t.csv", expect: "1" }), /--expect is for functions or/);
  await given({ url, mix: ["f"], params: ["a:1"], qosClass: "1" });
  await given({ url, expect: "1", respTime: 1 });
});
