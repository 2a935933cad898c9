import assert from "node:assert/strict";
import { code, get, post } from "../../support/client.ts";
import { eventually } from "../../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../../support/node.ts";
import { compileWasm, wasmFunction } from "../../support/functions/wasm.ts";

const line = "the last thing that it did";

const talkative = `
const held = [];
const ends = {
  loop() { for (;;); },
  hang: () => new Promise(() => {}),
  exit() { Deno.exit(3); },
  heap() { for (;;) held.push(new Array(1e5).fill(1.5)); },
  buffers() { for (;;) held.push(new Uint8Array(8 << 20).fill(1)); },
  fail() { throw new Error("no"); },
  none: () => 1,
};
export default async ({ end, late }) => {
  if (late) await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(${JSON.stringify(line)});
  const [first, second] = new TextEncoder().encode("\\u00e9");
  process.stdout.write("caf");
  process.stdout.write(Uint8Array.of(first));
  process.stdout.write(Uint8Array.of(second, 10));
  return ends[end]();
};`;

const whole = `${line}\ncaf\u00e9\n`;

async function logs(node: NodeProcess, name: string): Promise<string> {
  const { body } = await get(`${node.url}/logs/${name}?lines=1000`);
  return body.Lines.join("\n");
}

async function create(node: NodeProcess, definition: object): Promise<void> {
  const { status, body } = await post(`${node.url}/create`, definition);
  assert.equal(status, 200, JSON.stringify(body));
}

async function deno(name: string, source: string, fields: object = {}): Promise<object> {
  const TarFunctionCode = await code({ "main.js": source });
  const more = { MemoryMB: 64, TimeoutMs: 700, Handler: "main.js", ...fields };
  return { Name: name, Runtime: "deno", TarFunctionCode, ...more };
}

/** How calls end, by what they do: status, and code of the error. */
const denoEnds: Readonly<Record<string, [status: number, code: string]>> = {
  loop: [504, "DEADLINE_EXCEEDED"],
  hang: [504, "DEADLINE_EXCEEDED"],
  exit: [502, "FUNCTION_CRASHED"],
  heap: [502, "FUNCTION_CRASHED"],
  buffers: [502, "FUNCTION_CRASHED"],
};
const wasmEnds: Readonly<Record<string, [status: number, code: string]>> = {
  loop: [504, "DEADLINE_EXCEEDED"],
  trap: [500, "FUNCTION_ERROR"],
  exit: [500, "FUNCTION_ERROR"],
  grow: [500, "FUNCTION_ERROR"],
};

Deno.test("output of sandboxes is kept, however the call ends", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 2048 } });
  const wasi = ["--target=wasm32-wasi", "-O2"];
  const source = new URL("../../images/wasm/talkative.c", import.meta.url).pathname;
  const module = await compileWasm([...wasi, source]);

  for (const [runtime, ends] of [["deno", denoEnds], ["wasm", wasmEnds]] as const) {
    for (const [end, [status, code]] of Object.entries(ends)) {
      await t.step(`${runtime}: ${end}`, async () => {
        const name = `${runtime}-${end}`;
        const fields = { TimeoutMs: end === "loop" || end === "hang" ? 700 : 30_000, MemoryMB: 64 };
        await create(
          node,
          runtime === "deno"
            ? await deno(name, talkative, fields)
            : await wasmFunction(name, module, fields),
        );
        for (const late of [false, true]) {
          const answer = await post(`${node.url}/invoke/${name}`, { Params: { end, late } });
          const reported = JSON.stringify(answer.body);
          assert.deepEqual([answer.status, answer.body.code], [status, code], reported);
          assert.ok(reported.includes(JSON.stringify(whole).slice(1, -1)), reported);
        }
        const text = await logs(node, name);
        assert.equal(text.split(line).length - 1, 2, text);
      });
    }
  }

  await t.step(
    "a successful report has output on request, and `logs` always has it",
    async () => {
      await create(node, await deno("deno-none", talkative));
      await create(node, await wasmFunction("wasm-none", module));
      for (const name of ["deno-none", "wasm-none"]) {
        const Params = { end: "none" };
        const asked = await post(`${node.url}/invoke/${name}`, { Params, ReturnOutput: true });
        assert.equal(asked.body.Output, whole);
        const plain = await post(`${node.url}/invoke/${name}`, { Params });
        assert.equal(plain.body.Output, "");
        assert.equal((await logs(node, name)).split(line).length - 1, 2);
      }
    },
  );

  await t.step("an asynchronous invocation that hangs reports its output, too", async () => {
    const request = { Params: { end: "hang" }, Async: true };
    const { body } = await post(`${node.url}/invoke/deno-hang`, request);
    await eventually("its end is known", async () => {
      const { body: polled } = await get(`${node.url}/poll/${body.ReqId}`);
      return JSON.stringify(polled).includes(line);
    });
  });

  await t.step("a timer that throws after its call does not fail another call", async () => {
    await create(
      node,
      await deno(
        "thrower",
        `let thrown = false;
        export default async ({ leave }) => {
          for (const timer of leave ? [setTimeout, setImmediate] : []) {
            timer(() => { thrown = timer === setTimeout; throw new Error("late throw"); }, 5);
          }
          while (!leave && !thrown) await new Promise((resolve) => setTimeout(resolve, 1));
          return "fine";
        };`,
        { TimeoutMs: 10_000 },
      ),
    );
    const left = await post(`${node.url}/invoke/thrower`, { Params: { leave: true } });
    const own = await post(`${node.url}/invoke/thrower`, { Params: {} });
    assert.deepEqual([left.status, own.status], [200, 200], JSON.stringify(own.body));
    await eventually("logs have it", async () => /late throw/.test(await logs(node, "thrower")));
    // One that throws during its call fails it.
    const failing =
      "export default () => new Promise(() => setTimeout(() => { throw new Error('own'); }, 1));";
    await create(node, await deno("failing", failing, { TimeoutMs: 10_000 }));
    const { status, body } = await post(`${node.url}/invoke/failing`, {});
    assert.deepEqual([status, body.code], [500, "FUNCTION_ERROR"], JSON.stringify(body));
  });

  await t.step(
    "timers that outlive a call write to `logs`, never to the output of another call",
    async () => {
      await create(
        node,
        await deno(
          "leaver",
          `let ticks = 0;
        export default async ({ leave }, { requestId }) => {
          if (leave) {
            const timer = setInterval(() => {
              console.log("left behind");
              if (++ticks === 3) clearInterval(timer);
            }, 1);
            return requestId;
          }
          console.log("mine");
          while (ticks < 3) await new Promise((resolve) => setTimeout(resolve, 1));
          return ticks;
        };`,
          { TimeoutMs: 10_000 },
        ),
      );
      const left = await post(`${node.url}/invoke/leaver`, { Params: { leave: true } });
      const Params = { wait: true };
      const own = await post(`${node.url}/invoke/leaver`, { Params, ReturnOutput: true });
      assert.deepEqual([own.body.Result, own.body.Output], ["3", "mine\n"]);
      await eventually("logs have it, with the call that left it", async () => {
        const lines = (await logs(node, "leaver")).split("\n");
        const late = lines.filter((line) => line.includes("left behind"));
        return late.length === 3 &&
          late.every((line) => line.includes(JSON.parse(left.body.Result)));
      });
    },
  );

  await t.step("overlapping calls have separate output", async () => {
    const source = `export default async ({ word, end }) => {
      for (let i = 0; i < 3; i++) {
        console.log(word);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      if (end) for (;;);
    };`;
    await create(node, await deno("both", source, { MaxConcurrency: 4, TimeoutMs: 10_000 }));
    const words = ["a", "b", "c"];
    const answers = await Promise.all(
      words.map((word) =>
        post(`${node.url}/invoke/both`, { Params: { word }, ReturnOutput: true })
      ),
    );
    assert.deepEqual(answers.map(({ body }) => body.Output), words.map((w) => `${w}\n`.repeat(3)));
  });

  await t.step("long output is kept in order, and cut at its limit", async () => {
    const source = `export default ({ lines, size }) => {
      for (let i = 0; i < lines; i++) console.log(i + "x".repeat(size));
    };`;
    await create(node, await deno("much", source, { TimeoutMs: 30_000 }));
    const all = async (lines: number, size: number) => {
      const request = { Params: { lines, size }, ReturnOutput: true };
      return (await post(`${node.url}/invoke/much`, request)).body.Output as string;
    };
    const numbers = Array.from({ length: 3000 }, (_, i) => `${i}\n`).join("");
    assert.equal(await all(3000, 0), numbers);
    const cut = await all(30, 100_000);
    assert.ok(
      cut.endsWith("[output cut here: it is longer than 1,048,576 characters]\n"),
      cut.slice(-100),
    );
    assert.equal(cut.split("[output cut").length, 2);
    assert.ok(cut.length < (1 << 20) + 100);
  });
});
