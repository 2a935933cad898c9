import assert from "node:assert/strict";
import type { SandboxSpec } from "../spec.ts";
import { Calls } from "./calls.ts";
import { type Handler, JsonText } from "./loader.ts";
import { Output } from "./output.ts";
import { describe } from "./results.ts";

const spec: SandboxSpec = {
  executor: "deno",
  name: "f",
  handler: "main.ts",
  folder: "/prepared",
  entry: "app/main.ts.js",
  exportName: "",
  env: {},
  stateful: false,
  memoryMib: 64,
  concurrency: 1,
  network: "none",
  area: "A",
  node: "n",
};

function setUp(handler: (output: Output) => Handler) {
  const replies: Record<string, unknown>[] = [];
  const logged: string[] = [];
  const output = new Output((text) => logged.push(text));
  const calls = new Calls({
    spec,
    handler: handler(output),
    output,
    send: (reply) => void replies.push(reply as Record<string, unknown>),
    describe: (thrown) => describe(thrown, (stack) => stack),
  });
  return { calls, replies, logged };
}

const call = (id: string, output = true) => ({ id, params: { n: 1 }, timeoutMs: 1000, output });

Deno.test("results are JSON, whatever they are", () => {
  const results: [unknown, string][] = [
    [undefined, "null"],
    [{ a: 1n === 1n }, '{"a":true}'],
    [new JsonText("[1]"), "[1]"],
    [new Uint8Array([255]), '{"statusCode":200,"body":"/w==","isBase64Encoded":true}'],
  ];
  for (const [value, json] of results) {
    const { calls, replies } = setUp(() => () => value);
    calls.run(call("1"));
    assert.deepEqual(replies, [{ id: "1", ok: true, result: json, output: "" }]);
  }
});

Deno.test("output belongs to the call that is under way, and to the log behind it", () => {
  const { calls, replies, logged } = setUp((output) => () => output.write("hi\n"));
  calls.run(call("1"));
  calls.run(call("2", false));
  assert.deepEqual(replies.map(({ output }) => output), ["hi\n", ""]);
  const leftovers = setUp((output) => () => void queueMicrotask(() => output.write("late")));
  leftovers.calls.run(call("1"));
  assert.deepEqual(logged, []);
});

Deno.test("what is thrown is the failure, even if it cannot be shown", () => {
  const hostile = {
    get message() {
      throw new Error("no");
    },
  };
  for (const thrown of [new TypeError("bad"), "text", null, hostile]) {
    const { calls, replies } = setUp(() => () => {
      throw thrown;
    });
    calls.run(call("1"));
    assert.equal(replies.length, 1);
    assert.equal(replies[0]!.ok, false);
  }
});

Deno.test("each call has one reply, whoever ends it", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const { calls, replies } = setUp(() => () => promise);
  assert.equal(calls.blame(new Error("nobody's")), false);
  calls.run(call("1"));
  assert.equal(calls.blame(new Error("stray")), true);
  resolve(1);
  await promise;
  await Promise.resolve();
  assert.deepEqual(replies.map(({ ok }) => ok), [false]);
});

Deno.test("a cancelled call's signal is aborted, asked for before or after", () => {
  const signals: AbortSignal[] = [];
  let context: { readonly signal: AbortSignal } | undefined;
  const { calls } = setUp(() => (_params, given) => {
    context = given;
    return new Promise(() => {});
  });
  calls.run(call("1"));
  calls.cancel("1");
  signals.push(context!.signal);
  calls.run(call("2"));
  signals.push(context!.signal);
  calls.cancel("2");
  calls.cancel("none");
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
});
