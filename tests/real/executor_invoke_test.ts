/**
 * Executors that invoke functions, over their connection to the node.
 *
 * @module
 */

import assert from "node:assert/strict";
import { closeQuietly } from "../../lib/base/close.ts";
import { QuotedText } from "../../lib/json/quoted.ts";
import type { Call, CalleeCall } from "../../lib/runtime/environment.ts";
import { maxCallees } from "../../lib/runtime/wire/callees.ts";
import { FrameReader, receive } from "../../lib/runtime/wire/frames.ts";
import { dockerCall } from "../support/docker.ts";
import { closed, connect, openEndpoint, send } from "../support/executor_endpoint.ts";
import { eventually } from "../support/eventually.ts";

interface Response {
  readonly invoked: number;
  readonly result?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Connects an executor to which a call was sent. */
async function start(result: (callee: CalleeCall) => string | QuotedText, mayInvoke = true) {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openEndpoint("t"));
  const executor = await connect(world.socket, '{"token":"t"}');
  stack.defer(() => closeQuietly(executor));
  const connection = await world.endpoint.connected;
  const asked: string[] = [];
  const onInvoke: Call["onInvoke"] = (callee) => {
    asked.push(callee.name);
    return { result: Promise.resolve().then(() => result(callee)), cancel: () => {} };
  };
  const call = { ...dockerCall({ id: "c" }), ...(mayInvoke && { onInvoke }) };
  const reply = connection.invoke(call);
  reply.catch(() => {});
  const reader = stack.use(new FrameReader());
  const frame = async () => {
    for (;;) {
      const text = reader.next();
      if (text !== undefined) return JSON.parse(text);
      assert.ok(await receive(executor, reader), "the connection was closed");
    }
  };
  assert.equal((await frame()).id, "c");
  const owned = stack.move();
  return {
    executor,
    connection,
    asked,
    reply,
    response: frame as () => Promise<Response>,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function request(invoke: number, name = "g"): string {
  return `{"invoke":${invoke},"call":"c","function":${JSON.stringify(name)},"params":null}`;
}

Deno.test("an executor that does not read responses: results stay reserved and few functions run", async () => {
  let reserved = 0;
  const text = JSON.stringify("x".repeat(1 << 20));
  await using world = await start(() => {
    reserved++;
    const json = new TextEncoder().encode(JSON.stringify(text));
    return new QuotedText(json, { [Symbol.dispose]: () => void reserved-- });
  });
  const count = 200;
  for (let number = 1; number <= count; number++) {
    await send(world.executor, request(number));
    // Another turn, in which the function ends.
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.ok(world.asked.length <= 3 * maxCallees, `${world.asked.length} functions ran`);
  assert.ok(reserved >= maxCallees, `the memory of ${reserved} results is reserved`);
  const outcomes = new Map<number, string>();
  for (let at = 0; at < count; at++) {
    const { invoked, result, error } = await world.response();
    outcomes.set(invoked, error?.code ?? (result === text ? "result" : "wrong"));
  }
  assert.equal(outcomes.size, count);
  const results = [...outcomes.values()].filter((outcome) => outcome === "result");
  assert.equal(results.length, world.asked.length);
  assert.deepEqual(new Set(outcomes.values()), new Set(["result", "UNPROCESSABLE"]));
  await eventually("the memory is released", () => reserved === 0);
  await send(world.executor, request(count + 1));
  assert.equal((await world.response()).result, text);
});

Deno.test("an executor that does not read refusals: is disconnected", async () => {
  await using world = await start(() => "1", false);
  const frames = Array.from({ length: 1000 }, (_, at) => request(at));
  const flood = async () => {
    for (;;) await send(world.executor, ...frames);
  };
  const flooded = assert.rejects(flood());
  await world.connection.closed;
  assert.ok(world.connection.isBroken);
  // What the node is writing keeps the socket open until it is read.
  await closed(world.executor);
  await flooded;
  await assert.rejects(world.reply, { code: "FUNCTION_CRASHED" });
});

Deno.test("a call that was cancelled: can invoke nothing, even if it had invoked nothing before", async () => {
  await using world = await start(() => "1");
  world.connection.cancel("c");
  await send(world.executor, request(1));
  assert.deepEqual(await world.response(), { cancel: "c" });
  assert.equal((await world.response()).error?.code, "FORBIDDEN");
  assert.deepEqual(world.asked, []);
});

Deno.test("a request without params or with a long name: is refused, and the connection stays", async () => {
  await using world = await start(() => "1");
  await send(
    world.executor,
    '{"invoke":1,"call":"c","function":"g"}',
    request(2, "g".repeat(2050)),
  );
  for (const number of [1, 2]) {
    const { invoked, error } = await world.response();
    assert.deepEqual([invoked, error?.code], [number, "INVALID_REQUEST"]);
  }
  await send(world.executor, request(3));
  assert.deepEqual(await world.response(), { invoked: 3, result: "1" });
  await send(world.executor, '{"invoke":"one"}');
  await assert.rejects(world.reply, { code: "FUNCTION_CRASHED" });
});

Deno.test("a function without a result: its caller receives null", async () => {
  await using world = await start(() => "");
  await send(world.executor, request(1));
  assert.deepEqual(await world.response(), { invoked: 1, result: "null" });
});
