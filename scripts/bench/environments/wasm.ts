/**
 * Functions in WebAssembly: cold with and without a generic sandbox, warm, and a computation next to the
 * same module in this process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { post } from "../../../tests/support/client.ts";
import { compileWasm, wasmFunction } from "../../../tests/support/functions/wasm.ts";
import { instanceMib, MeasuredNode } from "../node/client.ts";
import { medianOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { measureWarmLoad } from "./warm_load.ts";

/** Cold starts in one round. */
const startsPerRound = 8;
/** Pause before each cold start, ms: the generic instance of the last one is replaced long before. */
const restMs = 500;
/** Instances of the warm function. */
const instances = 4;
/** What is computed, and its result; and what takes no time to compute. */
const fib = { n: 30, result: 832_040 };
const trivialFib = { n: 1, result: 1 };
/** Calls before and in one round: the first ones run code that is not optimized yet. */
const fibCalls = { before: 30, measured: 21 };

type Module = Uint8Array<ArrayBuffer>;

/** Measures all of it. */
export async function measureWasm(results: Results): Promise<void> {
  const trivial = await build("trivial.c");
  await measureCold("cold_wasm_p50_ms", "generic", 1, trivial, results);
  await measureCold("cold_wasm_fresh_p50_ms", "fresh", 0, trivial, results);
  await measureWarm(trivial, results);
  await measureComputation(await build("fib.c", "-mexec-model=reactor"), results);
}

async function build(file: string, ...flags: string[]): Promise<Module> {
  const source = new URL(`functions/${file}`, import.meta.url).pathname;
  return await compileWasm(["--target=wasm32-wasi", "-O2", ...flags, source]);
}

/** From request to answer of a module that nobody has seen before, by one start tier. */
async function measureCold(
  metric: string,
  tier: "generic" | "fresh",
  generic: number,
  module: Module,
  results: Results,
): Promise<void> {
  await using node = await MeasuredNode.start(startsPerRound + 1, { "sandbox.generic": generic });
  await create(node, "first", module);
  await node.invoke("first"); // what a node does once is not part of a start
  await node.remove(["first"]);
  const samples = await inRounds(async (round) => {
    const names = Array.from({ length: startsPerRound }, (_, n) => `cold-${round}-${n}`);
    for (const name of names) await create(node, name, renamed(module, name));
    const times: number[] = [];
    for (const name of names) {
      await new Promise((resolve) => setTimeout(resolve, restMs));
      const { report, ms } = await node.invoke(name);
      if (report.StartTier === tier) times.push(ms);
    }
    assert.ok(
      times.length > startsPerRound / 2,
      `only ${times.length} starts had the tier ${tier}`,
    );
    await node.remove(names);
    return medianOf(times);
  });
  results.add(metric, "ms", samples);
}

async function measureWarm(module: Module, results: Results): Promise<void> {
  await using node = await MeasuredNode.start(instances);
  await create(node, "trivial", module);
  await node.prewarm("trivial", instances);
  await node.invoke("trivial");
  const samples = await measureWarmLoad(node.invokeUrl("trivial"));
  await node.invoke("trivial"); // still answers right
  results.add("warm_wasm_c1_p50_ms", "ms", samples.map(({ c1 }) => c1.p50Ms));
  results.add("warm_wasm_c16_rps", "1/s", samples.map(({ c16 }) => c16.rate));
  results.add("warm_wasm_c16_p99_ms", "ms", samples.map(({ c16 }) => c16.p99Ms));
}

/**
 * A computation in a sandbox, as the node's report tells its duration, which has the way to the sandbox and
 * back in it, compared with the same module in this process. The two take turns, so that both of them meet
 * the same machine, and both come after a wait.
 */
async function measureComputation(module: Module, results: Results): Promise<void> {
  await using node = await MeasuredNode.start(1);
  await create(node, "fib", module, { Handler: "main.fib" });
  const there = async ({ n, result } = fib) => {
    const { body } = await post(node.invokeUrl("fib"), { Params: { n } });
    assert.equal(body.Result, String(result), JSON.stringify(body));
    return body.Duration * 1000;
  };
  const here = directly(module);
  const samples = await inRounds(async () => {
    for (let i = 0; i < fibCalls.before; i++) [await there(), here()];
    const times: { inNode: number; direct: number; way: number }[] = [];
    for (let i = 0; i < fibCalls.measured; i++) {
      times.push({ inNode: await there(), direct: here(), way: await there(trivialFib) });
    }
    const median = (what: keyof (typeof times)[number]) => medianOf(times.map((one) => one[what]));
    return { inNode: median("inNode"), direct: median("direct"), way: median("way") };
  });
  results.add("wasm_fib30_ms", "ms", samples.map(({ inNode }) => inNode));
  results.add("wasm_fib30_direct_ms", "ms", samples.map(({ direct }) => direct));
  results.add("wasm_fib30_ratio", "ratio", samples.map(({ inNode, direct }) => inNode / direct));
  // What of it is the way to the sandbox and back.
  results.add("wasm_fib1_ms", "ms", samples.map(({ way }) => way));
}

/** The same module in this process. @returns a call, which tells how long it took, ms */
function directly(module: Module): () => number {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
  const call = exports.fib as (n: number) => number;
  return () => {
    const began = performance.now();
    assert.equal(call(fib.n), fib.result);
    return performance.now() - began;
  };
}

async function create(
  node: MeasuredNode,
  name: string,
  module: Module,
  fields: object = {},
): Promise<void> {
  const definition = await wasmFunction(name, module, { MemoryMB: instanceMib, ...fields });
  const { status, body } = await post(`${node.process.url}/create`, definition);
  assert.equal(status, 200, JSON.stringify(body));
}

/** The same module with a section that holds a name, so that nothing is known of it. */
function renamed(module: Module, name: string): Module {
  const text = new TextEncoder().encode(name);
  return Uint8Array.from([...module, 0, text.length + 1, text.length, ...text]);
}
