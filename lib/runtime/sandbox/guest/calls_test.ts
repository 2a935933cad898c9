import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { maxPartBytes, streamWindow } from "../../wire/stream_window.ts";
import type { SandboxSpec } from "../spec.ts";
import { Calls } from "./calls.ts";
import { type Handler, JsonText } from "./loader.ts";
import { type CallOutput, Output } from "./output.ts";
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
  http: "event",
  memoryMib: 64,
  concurrency: 1,
  network: "none",
  pipe: false,
  area: "A",
  node: "n",
};

function setUp(handler: (output: Output) => Handler) {
  const replies: Record<string, unknown>[] = [];
  const logged: string[] = [];
  const written: string[] = [];
  const target = {
    send: (id: string, text: string) => void written.push(`${id}: ${text}`),
    log: (text: string) => void logged.push(text),
  };
  const output = new Output(target, new AsyncLocalStorage<CallOutput>());
  const streamed: boolean[] = [];
  const calls = new Calls({
    spec,
    handler: handler(output),
    invoker: { invoke: (call, name, params) => Promise.resolve([call, name, params]) },
    output,
    send: (part) => void replies.push(part as Record<string, unknown>),
    reply: (reply, isStreamed = false) => {
      replies.push(reply as Record<string, unknown>);
      streamed.push(isStreamed);
    },
    describe: (thrown) => describe(thrown, (stack) => stack),
  });
  return { calls, replies, streamed, logged, written, output };
}

const call = (id: string) => ({ id, params: { n: 1 }, timeoutMs: 1000 });

Deno.test("encodeResult: any result becomes JSON", () => {
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

Deno.test("Calls: output is sent before the reply, on the same channel", () => {
  const { calls, written, streamed, replies } = setUp((output) => () => {
    assert.ok(calls.busy);
    assert.deepEqual(replies, []);
    output.write("hi\n");
  });
  calls.run(call("1"));
  assert.equal(replies[0]!.ok, true);
  assert.deepEqual(written, ["1: hi\n"]);
  assert.deepEqual(streamed, [false]);
});

Deno.test("Calls: code that outlives its call writes to that call's output only", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { calls, written, logged, output } = setUp((output) => (params) => {
    if (!params) return promise;
    void promise.then(() => output.write("late"));
  });
  calls.run(call("1"));
  calls.run({ ...call("2"), params: null });
  resolve();
  await promise;
  output.write("nobody's");
  assert.deepEqual([written, logged], [["1: late"], ["nobody's"]]);
});

Deno.test("Calls: the reply after a streamed response goes on the channel of the parts", async () => {
  const { calls, streamed: ways, replies } = setUp((output) => async (_params, _context, begin) => {
    output.write("x");
    await begin!(head).write(new Uint8Array(1));
  });
  calls.run(streamed("1"));
  while (replies.at(-1)!.ok === undefined) await Promise.resolve();
  assert.deepEqual(ways, [true]);
});

Deno.test("describe: any thrown value becomes a failure, even if it cannot be shown", () => {
  const hostile = {
    get message() {
      throw new Error("no");
    },
  };
  const no = () => {
    throw proxy;
  };
  const proxy: unknown = new Proxy({}, new Proxy({}, { get: () => no }));
  for (const thrown of [new TypeError("bad"), "text", null, hostile, proxy]) {
    const { calls, replies } = setUp(() => () => {
      throw thrown;
    });
    calls.run(call("1"));
    assert.equal(replies.length, 1);
    assert.equal(replies[0]!.ok, false);
  }
});

Deno.test("Calls: an error thrown by a timer after its call's end fails no other call", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { calls, replies } = setUp(() => (params) => {
    if (!params?.leave) return promise;
    setTimeout(() => resolve(calls.blame(new Error("late"))), 0);
    return null;
  });
  calls.run({ ...call("leaver"), params: { leave: true } });
  calls.run(call("other"));
  assert.equal(await promise, false);
  while (replies.length < 2) await Promise.resolve();
  assert.deepEqual(replies.map(({ id, ok }) => [id, ok]), [["leaver", true], ["other", true]]);
});

Deno.test("Calls: each call has one reply, whatever ends it", async () => {
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

Deno.test("Calls: the signal of a cancelled call is aborted, whether first read before or after", () => {
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

/** Call whose response may be streamed. */
const streamed = (id: string) => ({ ...call(id), stream: true });
const head = { status: 200, headers: [] };

Deno.test("Calls: a streamed response waits until its parts are acknowledged", async () => {
  const size = streamWindow + 1;
  const { calls, replies } = setUp(() => async (_params, _context, begin) => {
    await begin!(head).write(new Uint8Array(size));
    return null;
  });
  calls.run(streamed("1"));
  await Promise.resolve();
  assert.deepEqual(replies[0], { part: "1", ...head });
  const sent = () => replies.slice(1).map(({ data }) => data as string | undefined);
  const bytes = () => sent().reduce((sum, data) => sum + Uint8Array.fromBase64(data!).length, 0);
  while (bytes() < streamWindow) await Promise.resolve();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assert.equal(bytes(), streamWindow);
  calls.taken("1", maxPartBytes);
  while (replies.at(-1)!.ok === undefined) await Promise.resolve();
  assert.deepEqual(replies.pop(), { id: "1", ok: true, result: "null", output: "" });
  assert.equal(bytes(), size);
});

Deno.test("Calls: no part is sent after a call's end, and cancellation ends the wait", async () => {
  const failures: unknown[] = [];
  const { calls, replies } = setUp(() => async (_params, _context, begin) => {
    const answer = begin!(head);
    const write = () => answer.write(new Uint8Array(2 * streamWindow));
    await write().catch((error) => failures.push(error.message));
  });
  calls.run(streamed("blamed"));
  assert.ok(calls.blame(new Error("stray")));
  calls.run(streamed("cancelled"));
  calls.cancel("cancelled");
  while (failures.length < 2) await Promise.resolve();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assert.equal(failures[0], "The invocation has ended");
  const of = (id: string) => replies.filter((reply) => reply.id === id || reply.part === id);
  assert.equal(of("blamed").at(-1)!.ok, false);
  assert.equal(of("cancelled").at(-1)!.ok, true);
});

Deno.test("Calls: a call that accepts no stream gets a whole response", () => {
  const { calls, replies } = setUp(() => (_params, _context, begin) => begin === undefined);
  calls.run(call("1"));
  assert.equal(replies[0]!.result, "true");
});

Deno.test("Calls: context.invoke sends a request of its call, and the result is that of the promise", async () => {
  const { calls, replies } = setUp(() => (params, context) => context.invoke("g", params));
  calls.run(call("a"));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(replies, [{ id: "a", ok: true, result: '["a","g",{"n":1}]', output: "" }]);
});
