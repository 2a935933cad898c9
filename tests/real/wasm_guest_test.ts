/**
 * The guest that runs WebAssembly modules, with modules of a real toolchain.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readWasm } from "../../lib/wasm/binary.ts";
import { wasiFunctions } from "../../lib/wasm/function.ts";
import { InstanceReset } from "../../lib/wasm/reset.ts";
import type { Json, JsonObject } from "../../lib/json/json.ts";
import type { FunctionFailure, Reply } from "../../lib/runtime/environment.ts";
import { CallOutput } from "../../lib/runtime/sandbox/guest/output.ts";
import { WasiSystem } from "../../lib/runtime/sandbox/guest/wasm/wasi.ts";
import { WasmFunction, type WasmOptions } from "../../lib/runtime/sandbox/guest/wasm/module.ts";
import { failure, value } from "../contract/environment.ts";
import { buildWasm, type WasmModules, type WasmSource } from "../support/functions/wasm.ts";

const now = 1_700_000_000_000;

class World {
  constructor(private readonly modules: WasmModules) {}

  load(source: WasmSource, change: Partial<WasmOptions> = {}): WasmFunction {
    return new WasmFunction(this.modules[source], {
      name: "",
      memoryMib: 64,
      stateful: false,
      http: "event",
      functionName: "f",
      env: {},
      now: () => now,
      collect: () => {},
      ...change,
    });
  }

  /** A function that runs one case of the command. */
  command(behaviour: string, change: Partial<WasmOptions> = {}): WasmFunction {
    return this.load("command", { ...change, env: { CASE: behaviour, ...change.env } });
  }

  /** A function that runs one export of the reactor. */
  reactor(name: string, change: Partial<WasmOptions> = {}): WasmFunction {
    return this.load("reactor", { ...change, name });
  }
}

/** Calls once; the reply has what was written meanwhile. */
function callOf(fn: WasmFunction, params: JsonObject | null = null): Reply {
  let text = "";
  const output = new CallOutput("c", (_id, piece) => void (text += piece));
  const reply = fn.call({ id: "c", params: JSON.stringify(params), timeoutMs: 60_000 }, output);
  output.flush();
  return { ...reply, output: text };
}

/** Calls once, with what is done after each call. */
function reply(fn: WasmFunction, params: JsonObject | null): Reply {
  const reply = callOf(fn, params);
  if (fn.untidy) fn.tidy();
  return reply;
}

function result(fn: WasmFunction, params: JsonObject | null = null): Json {
  return value(reply(fn, params)) as Json;
}

function failed(fn: WasmFunction, params: JsonObject | null = null): FunctionFailure {
  return failure(reply(fn, params));
}

Deno.test("WebAssembly modules", async (t) => {
  const modules = await buildWasm();
  const world = new World(modules);
  const step = (name: string, run: () => void | Promise<void>) => t.step(name, run);

  await step("a command gets its params and returns its result, repeatedly", () => {
    const fn = world.command("echo");
    const all: (JsonObject | null)[] = [{ a: [1, "zwölf 🌍", null] }, null, { b: 2 }];
    for (const params of all) {
      assert.deepEqual(result(fn, params), params);
    }
  });

  await step("20 MB pass through a command, which leaves nothing behind", () => {
    const fn = world.command("echo", { memoryMib: 256 });
    const text = "ü0123456789".repeat(1_800_000);
    const big = result(fn, { text }) as { text: string };
    assert.ok(big.text === text, "the text came back unchanged");
    assert.deepEqual(result(fn, { small: true }), { small: true });
  });

  await step("text, nothing and bytes are results too", () => {
    assert.equal(result(world.command("text")), "hello, world");
    assert.equal(result(world.command("silent")), null);
    assert.equal(result(world.command("exit")), null);
    assert.deepEqual(result(world.command("picture")), {
      statusCode: 200,
      body: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0xff]).toBase64(),
      isBase64Encoded: true,
    });
  });

  await step("arguments, environment, clocks and random numbers work", () => {
    const fn = world.command("context", { env: { GREETING: "grüß dich" } });
    const reported = value(callOf(fn, { "schlüssel": "wert" })) as { [key: string]: Json };
    const { now, zeros, ...rest } = reported as { now: number; zeros: number };
    assert.deepEqual(rest, {
      argc: 2,
      name: "f",
      argument: { "schlüssel": "wert" },
      greeting: "grüß dich",
      request: "c",
      steady: 1,
    });
    assert.ok(Math.abs(now - Date.now() / 1000) < 60);
    assert.ok(zeros < 16);
  });

  await step("params that are too long for an argument come on standard input only", () => {
    const fn = world.command("context", { env: { GREETING: "x" } });
    const reported = result(fn, { text: "x".repeat(1 << 17) }) as JsonObject;
    assert.equal(reported.argc, 1);
  });

  await step("a sleep takes its time", () => {
    assert.ok((result(world.command("nap")) as number) >= 29);
  });

  await step("there are no files", () => {
    assert.deepEqual(result(world.command("files")), { read: false, written: false });
  });

  await step("output is returned after success and after failure", () => {
    const fn = world.command("noisy");
    const params = { word: "hi", count: 2 };
    assert.equal(callOf(fn, params).output, "hi\nhi\n");
    const reply = callOf(world.command("fail"));
    assert.deepEqual(failure(reply), {
      type: "ExitStatus",
      message: "the module ended with exit status 7",
      traceback: "",
    });
    assert.equal(reply.output, "before the failure\n");
  });

  await step("too much output is cut, too long a result stops the module", () => {
    const noisy = world.command("noisy");
    const params = { word: "x".repeat(100), count: 50_000 };
    const { output } = callOf(noisy, params);
    assert.ok(output.length < (1 << 20) + 100 && output.endsWith("1,048,576 characters]\n"));
    assert.equal(failed(world.command("loud")).type, "ResultTooLarge");
  });

  await step("a module's memory is limited to the function's memory", () => {
    const { message } = failed(world.command("greedy", { memoryMib: 20 }));
    assert.match(message, /exit status 12; its memory had grown to (19|20) of at most 20 MiB/);
    const pages = result(world.reactor("bomb", { memoryMib: 20 })) as number;
    assert.ok(pages > 200 && pages < 320, String(pages));
  });

  await step("a reactor's handler takes and gives JSON", () => {
    const fn = world.reactor("");
    assert.deepEqual(result(fn, { "schlüssel": [1, 2] }), { "schlüssel": [1, 2] });
    assert.equal(result(fn, null), null);
  });

  await step("each call has an instance in its initial state", () => {
    const fn = world.reactor("count");
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(result(fn), { calls: 1, initialized: 1, freed: 0 });
    }
  });

  await step("a stateful function keeps its instance until it fails", () => {
    const fn = world.reactor("count", { stateful: true });
    assert.deepEqual(result(fn), { calls: 1, initialized: 1, freed: 0 });
    assert.deepEqual(result(fn), { calls: 2, initialized: 1, freed: 1 });
    assert.throws(() => world.command("echo", { stateful: true }), /cannot be stateful/);
    const fib = world.reactor("fib", { stateful: true });
    assert.equal(failed(fib, { n: 1 << 30 }).type, "StackOverflow");
    assert.equal(result(fib, { n: 10 }), 55);
  });

  await step("text that a reactor writes is output", () => {
    const { output } = callOf(world.reactor("say"));
    assert.equal(output, "on standard output\non standard error\n");
  });

  await step("exports take and give numbers", () => {
    const fib = world.reactor("fib");
    assert.equal(result(fib, { n: 20 }), 6765);
    assert.equal(result(fib, { args: [20] }), 6765);
    assert.equal(result(world.reactor("half"), { x: 3 }), 1.5);
    assert.equal(result(world.reactor("half"), { x: "-Infinity" }), null);
    assert.equal(result(world.reactor("nothing")), null);
    const add = world.reactor("add");
    for (
      const params of ['{"a": "9007199254740993", "b": 2}', '{"b":2,"args":[9007199254740993,2]}']
    ) {
      const call = { id: "c", params, timeoutMs: 1000 };
      const sum = add.call(call, new CallOutput("c", () => {}));
      assert.equal(sum.ok && sum.result, "9007199254740995");
    }
  });

  await step("params that do not fit an export's numbers are refused", () => {
    const fib = world.reactor("fib");
    assert.match(failed(fib).message, /takes 1 numbers \(i32\), but the params have 0/);
    assert.match(
      failed(fib, { n: "many" }).message,
      /argument 1 must be i32: current value is "many"/,
    );
    assert.match(failed(fib, { n: 1.5 }).message, /must be i32/);
    assert.match(failed(world.reactor("add"), { a: 1, b: 0.5 }).message, /must be i64/);
    assert.equal(failed(fib, { n: null }).type, "ArgumentError");
  });

  await step("traps are reported", () => {
    const failureOf = (name: string, params: JsonObject | null = null) => {
      const { type, message, traceback } = failed(world.reactor(name), params);
      return { type, message, traceback };
    };
    const gaveUp = failureOf("give_up");
    assert.equal(gaveUp.type, "Trap");
    assert.match(gaveUp.message, /^unreachable: the module aborted/);
    assert.match(gaveUp.traceback, /at .*abort.*\n.*give_up/);
    assert.match(failureOf("wild").message, /^memory access out of bounds/);
    assert.match(failureOf("divide", { n: 1 }).message, /^divide by zero/);
    assert.match(failureOf("bad_call").message, /a call through an invalid function pointer/);
    assert.match(failureOf("recurse", { n: 1 }).message, /stack is too small/);
    assert.equal(failureOf("beyond").type, "PointerError");
  });

  await step("a module that cannot run is refused before it is compiled", () => {
    assert.throws(() => world.load("unknown_import"), /imports env\.open_the_door/);
    assert.throws(() => world.reactor("absent"), /neither _start nor a function absent/);
    assert.throws(() => world.load("command", { name: "fib" }), /the module is a command/);
    assert.throws(() => world.command("echo", { memoryMib: 0 }), /initial memory is 1 MiB/);
    const bytes = modules.command;
    const cut = bytes.slice(0, bytes.length / 2);
    assert.throws(() => new WasmFunction(cut, { ...options }), /is truncated/);
  });

  await step("the examples do what they say", async () => {
    const words = callOf(world.load("words"), { text: "a function in WebAssembly" });
    assert.deepEqual(value(words), { words: 4, longest: 11 });
    assert.equal(words.output, "counted 4 words\n");
    // What ships as text is what the source makes.
    const text = await Deno.readTextFile(
      new URL("../../examples/hello/hello.wasm.base64", import.meta.url),
    );
    const shipped = Uint8Array.fromBase64(text.replaceAll("\n", ""));
    for (const bytes of [shipped, modules.hello]) {
      const hello = new WasmFunction(bytes, options);
      assert.deepEqual(result(hello, { name: 'Ada "L" \u{1f30d}' }), {
        message: 'Hello, Ada "L" \u{1f30d}!',
      });
      assert.deepEqual(result(hello, null), { message: "Hello, world!" });
      assert.equal(failed(hello, { name: "x".repeat(20_000) }).type, "PointerError");
    }
  });

  await step("however a call ends, the next has the initial state", () => {
    const fn = world.reactor("wreck");
    const first = result(fn, { how: 0 });
    const ends: Record<number, string> = { 1: "Trap", 2: "ExitStatus", 3: "Trap" };
    // Each once after a good call and once after a bad one, twice in turn.
    for (const how of [0, 1, 2, 3, 4, 5, 1, 1, 4, 4, 3, 2, 5, 0]) {
      if (ends[how]) assert.equal(failed(fn, { how }).type, ends[how]);
      else assert.equal(result(fn, { how }), first, `after ${how}`);
      assert.equal(result(fn, { how: 0 }), first, `a call after one that ended by ${how}`);
    }
    const stateful = world.reactor("wreck", { stateful: true });
    const before = result(stateful, { how: 0 }) as number;
    assert.ok(result(stateful, { how: 0 }) as number > before + 1000, "the test sees what is left");
  });

  await step("instances of what a toolchain makes can be reset", () => {
    for (const name of ["command", "reactor", "words", "shrink", "visit", "hello"] as const) {
      assert.ok(InstanceReset.of(modules[name], readWasm(modules[name])), name);
    }
  });

  await step("memory that a call allocates is zero", () => {
    const fn = world.reactor("dirty");
    for (let i = 0; i < 3; i++) assert.equal(result(fn), 0);
    const stateful = world.reactor("dirty", { stateful: true });
    assert.equal(result(stateful), 0);
    assert.ok((result(stateful) as number) > 20_000, "the test sees what is left");
  });
});

const options: WasmOptions = {
  name: "",
  memoryMib: 64,
  stateful: false,
  http: "event",
  functionName: "f",
  env: {},
  now: () => now,
  collect: () => {},
};

Deno.test("every function of WASI preview 1 is provided", () => {
  const { imports } = new WasiSystem(10);
  for (const name of wasiFunctions) assert.equal(typeof imports[name], "function", name);
});
