/**
 * How sandboxes wait for calls: in a blocking read where nothing else is to be done, and only there.
 */

import assert from "node:assert/strict";
import { value } from "../../contract/environment.ts";
import type { JsonObject } from "../../../lib/json/json.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { sandboxWorld } from "../../support/sandbox_world.ts";

const never = new AbortController().signal;

const code = `
  let ticks = 0;
  let last = 0;
  export default ({ text, leave, reject }) => {
    if (leave) setTimeout(() => { ticks++; last = Date.now(); console.log("late"); }, 50);
    if (reject) void Promise.reject(new Error("floating"));
    return { length: text?.length, ticks, last };
  };`;

interface Answer {
  length: number;
  ticks: number;
  last: number;
}

async function open(change = {}) {
  const world = await sandboxWorld({ "main.js": code });
  const instance = await world.environment.start(dockerFunction("deno", "main.js", change), never);
  const pid = instance.id.replace("sandbox-", "");
  return {
    call: async (params: JsonObject = {}) =>
      value(await instance.invoke(dockerCall({ params }))) as Answer,
    written: () => world.written.map(({ text }) => text).join(""),
    /** True if it is in a `read` of a pipe (proc(5), `syscall`: number and arguments). */
    reads: async () => {
      const [number, descriptor] = (await Deno.readTextFile(`/proc/${pid}/syscall`)).split(" ");
      if (Number(number) !== readNumber) return false;
      return (await Deno.readLink(`/proc/${pid}/fd/${Number(descriptor)}`)).startsWith("pipe:");
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** `read` among the system calls of Linux (syscall(2)). */
const readNumber = Deno.build.arch === "x86_64" ? 0 : 63;

Deno.test("a sandbox with nothing else to do waits for calls in a blocking read", async () => {
  await using world = await open();
  await eventually("it waits for its first call", world.reads);
  await world.call();
  await eventually("it waits for the next", world.reads);
});

Deno.test("calls of any size reach a waiting sandbox, one after the other", async () => {
  await using world = await open();
  for (const length of [1, 100_000, 2, 1_300, 1_400, 4_096, 3, 2_000_000, 4]) {
    const text = "x".repeat(length);
    assert.equal((await world.call({ text })).length, length);
  }
});

Deno.test("a timer that outlives its call runs only between calls", async () => {
  await using world = await open();
  await world.call({ leave: true });
  await eventually("the timer has run", () => /late/.test(world.written()));
  const before = Date.now();
  const { ticks, last } = await world.call();
  assert.equal(ticks, 1);
  assert.ok(last <= before, "it ran before the next call");
});

Deno.test("a rejection that is detected after a reply does not fail the next call", async () => {
  await using world = await open();
  for (let count = 0; count < 20; count++) {
    await world.call({ reject: count % 2 === 0 }).catch(() => {});
    assert.equal((await world.call()).ticks, 0);
  }
});

Deno.test("a sandbox with overlapping calls or a network always listens", async () => {
  for (const change of [{ maxConcurrency: 2 }, { network: "bridge" }]) {
    await using world = await open(change);
    await world.call();
    assert.equal(await world.reads(), false);
  }
});
