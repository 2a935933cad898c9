import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import {
  type Census,
  type LeastMemory,
  leastMemory,
  takeCensus,
  tidyAllocator,
} from "../support/census.ts";
import { code, get, nodejs, post, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";
import { helloWasm } from "../support/functions/wasm.ts";

/** Functions that live at the same time. */
const lanes = 3;
/** Connections between test, node and engine that are kept for the next request. */
const keptConnections = 8;
/** The most that the node may grow by in 126 starts, MiB: what leaks 40 KiB at each start exceeds it. */
const bounds = { liveMib: 1.5, nativeMib: 3.5 } as const;

/** Code of `deno` functions by how a call of them ends, and the status that tells so. */
const endings = [
  { body: "return 1;", status: 200 },
  { body: 'throw new Error("no");', status: 500 },
  { body: "Deno.exit(3);", status: 502 },
  { body: "return new Promise(() => setInterval(() => {}, 10));", status: 504, timeout: 300 },
  { body: "return }", status: 500 },
  { body: "return fetch('http://127.0.0.1/');", status: 500 },
  { body: "for (;;) console.log('x'.repeat(1000));", status: 504, timeout: 50 },
] as const;

/** A function's two versions, and the status that a call of them has. */
interface Life {
  readonly versions: readonly [object, object];
  readonly status: number;
}

/** Each function has code of its own, as if it were somebody else's. */
async function denoLife(name: string, n: number): Promise<Life> {
  const { body, status, ...limits } = endings[n % endings.length]!;
  const version = async (turn: number) => ({
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main.ts",
    TimeoutMs: "timeout" in limits ? limits.timeout : 0,
    TarFunctionCode: await code({
      "main.ts": `// ${n}.${turn}\nexport default () => { ${body} };`,
    }),
  });
  return { versions: [await version(1), await version(2)], status };
}

async function wasmLife(name: string): Promise<Life> {
  const version = (turn: number) => helloWasm(name, { Env: { TURN: String(turn) } });
  return { versions: [await version(1), await version(2)], status: 200 };
}

async function containerLife(name: string, n: number): Promise<Life> {
  const version = (turn: number) =>
    n % 2 === 0
      ? python(name, `def f(params, context): return ${n} + ${turn}\n`)
      : nodejs(name, `module.exports = () => ${n} + ${turn};`);
  return { versions: [await version(1), await version(2)], status: 200 };
}

/** Creates a function, calls it, updates it, calls it again and deletes it: two starts. */
async function live(url: string, name: string, { versions, status }: Life): Promise<void> {
  for (const [turn, version] of versions.entries()) {
    const made = await post(`${url}/${turn === 0 ? "create" : "update"}`, version);
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const called = await post(`${url}/invoke/${name}`, { Params: {} });
    assert.equal(called.status, status, JSON.stringify(called.body));
  }
  const deleted = await post(`${url}/delete`, { Name: name });
  assert.equal(deleted.status, 200, JSON.stringify(deleted.body));
}

/** Lets so many functions of each kind live and go. */
async function churn(url: string, counts: { deno: number; wasm: number; containers: number }) {
  const round = crypto.randomUUID().slice(0, 8);
  const lives: (() => Promise<void>)[] = [];
  for (const [kind, count] of Object.entries(counts)) {
    for (let n = 0; n < count; n++) {
      const name = `${kind}-${round}-${n}`;
      lives.push(async () => {
        const life = kind === "deno"
          ? await denoLife(name, n)
          : kind === "wasm"
          ? await wasmLife(name)
          : await containerLife(name, n);
        await live(url, name, life);
      });
    }
  }
  const next = lives.values();
  await Promise.all(Array.from({ length: lanes }, async () => {
    for (const one of next) await one();
  }));
}

/** Functions that stay and are never called: a node has generic instances for runtimes that are used. */
async function createStaying(url: string): Promise<void> {
  const { versions: [deno] } = await denoLife("stays-deno", 0);
  const { versions: [pythonic] } = await containerLife("stays-python", 0);
  const { versions: [nodejsLike] } = await containerLife("stays-nodejs", 1);
  for (const fn of [deno, pythonic, nodejsLike]) {
    assert.equal((await post(`${url}/create`, fn)).status, 200);
  }
}

/** No instance is left, and the generic instances are ready. */
async function settled(url: string): Promise<void> {
  let last: unknown;
  await eventually("nothing but generic instances is left", async () => {
    const { body } = await get(`${url}/status`);
    last = [body.Instances, body.Running, body.GenericInstances];
    return isDeepStrictEqual(last, [[], 0, { sandbox: 1, python: 1, nodejs: 1 }]);
  }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}`));
}

/** Counts until it is the same so many times in a row: what is being removed must not count. */
async function steady(census: () => Promise<Census>): Promise<Census> {
  let last = await census();
  let same = 0;
  await eventually("a node at rest holds the same all the time", async () => {
    const next = await census();
    same = isDeepStrictEqual(next, last) ? same + 1 : 0;
    last = next;
    return same === 10;
  });
  return last;
}

/** Median growth of memory from one quarter to the next: a leak grows in each. */
function usualGrowth(mib: readonly number[]): number {
  const growths = mib.slice(1).map((now, at) => now - mib[at]!);
  return growths.toSorted((a, b) => a - b)[growths.length >> 1]!;
}

/** What is left, as a list of words; empty if nothing is. */
function leftOver(before: Census, after: Census): string[] {
  const left: string[] = [];
  for (const key of ["children", "containers", "networks", "files", "groups"] as const) {
    if (after[key] > before[key]) left.push(`${key}: ${before[key]} before, ${after[key]} after`);
  }
  for (const [kind, count] of Object.entries(after.descriptors)) {
    const had = before.descriptors[kind] ?? 0;
    const allowed = kind === "socket" ? had + keptConnections : had;
    if (count > allowed) left.push(`descriptors of ${kind}: ${had} before, ${count} after`);
  }
  return left;
}

Deno.test("after 500 starts, updates and deletions a node holds no more than before", async (t) => {
  await using temporary = await tempDir("leaks-tmp");
  await using data = await tempDir("leaks-data");
  await Deno.chmod(temporary.path, 0o1777);
  const nodeId = `leaks-${crypto.randomUUID().slice(0, 8)}`;
  await using node = await startNodeProcess({
    env: { TMPDIR: temporary.path, ...tidyAllocator },
    config: { "registry.node.id": nodeId, "data.dir": data.path, "container.pool.memory": 2048 },
  });
  const census = () => takeCensus({ pid: node.pid, nodeId, folders: [temporary.path, data.path] });

  await createStaying(node.url);
  // The first of each kind loads what all others share, and the heap grows to what it works with.
  await churn(node.url, { deno: 35, wasm: 45, containers: 8 });
  await settled(node.url);
  const before = await steady(census);

  const quarter = { deno: 13, wasm: 44, containers: 6 };
  const memory: LeastMemory[] = [];
  while (memory.length < 4) {
    memory.push(await leastMemory(node, () => churn(node.url, quarter)));
  }
  await settled(node.url);
  await t.step("descriptors, processes, containers, files and control groups", async () => {
    let left: string[] = [];
    await eventually("nothing is left", async () => {
      left = leftOver(before, await census());
      return left.length === 0;
    }, 15_000).catch(() => assert.deepEqual(left, []));
  });
  await t.step("memory", () => {
    const seen = JSON.stringify(memory);
    assert.ok(usualGrowth(memory.map(({ live }) => live)) < bounds.liveMib, seen);
    assert.ok(usualGrowth(memory.map(({ native }) => native)) < bounds.nativeMib, seen);
  });
});
