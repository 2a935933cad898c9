import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { code, post } from "../../support/client.ts";
import { eventually } from "../../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../../support/node.ts";
import { sandboxesOf } from "../../support/sandbox_world.ts";

async function create(
  node: NodeProcess,
  name: string,
  files: Record<string, string>,
  fields: Record<string, unknown> = {},
): Promise<void> {
  const definition = {
    Name: name,
    Runtime: "deno",
    MemoryMB: 96,
    Handler: Object.keys(files)[0],
    TarFunctionCode: await code(files),
    ...fields,
  };
  const { status, body } = await post(`${node.url}/create`, definition);
  assert.equal(status, 200, JSON.stringify(body));
}

async function result(node: NodeProcess, name: string, Params: unknown = null): Promise<unknown> {
  const { status, body } = await post(`${node.url}/invoke/${name}`, { Params });
  assert.equal(status, 200, JSON.stringify(body));
  return JSON.parse(body.Result);
}

Deno.test("functions of runtime deno", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 4096 } });

  await t.step("a generic sandbox serves the first call with prepared code", async () => {
    await create(node, "hello", { "main.ts": "export default (p: { a: number }) => p.a + 1;" });
    await eventually("a generic sandbox is ready", async () => {
      const status = await (await fetch(`${node.url}/status`)).json();
      return status.GenericInstances.sandbox === 1;
    });
    const { body } = await post(`${node.url}/invoke/hello`, { Params: { a: 41 } });
    assert.deepEqual([body.Result, body.StartTier], ["42", "generic"]);
  });

  await t.step("modules of a function import each other and packages next to them", async () => {
    await create(node, "modules", {
      "main.ts": `
        import { nanoid } from "tiny-id";
        import old, { twice } from "old-package";
        import { next, type Step } from "./steps/next";
        import settings from "./settings.json" with { type: "json" };
        import note from "./note.txt" with { type: "text" };
        import { Buffer } from "node:buffer";
        import { createHash } from "node:crypto";
        enum Kind { First = 1 }
        export async function run(params: { lang: string }, context: { functionName: string }) {
          const step: Step = next(1);
          const { hello } = await import(\`./langs/\${params.lang}.ts\`);
          return [nanoid(), old.name, twice(2), step, settings.deep.value, note, Kind.First, hello,
            Buffer.from("é").toString("hex"), createHash("md5").update("").digest("hex").slice(0, 4),
            import.meta.url, context.functionName];
        }`,
      "steps/next.ts": "export type Step = number; export const next = (n: Step): Step => n + 1;",
      "langs/it.ts": 'export const hello: string = "ciao";',
      "langs/broken.ts": "export const hello: = 1;",
      "settings.json": '{"deep": {"value": "é"}}',
      "note.txt": "plain",
      "node_modules/tiny-id/package.json": '{"type": "module", "exports": "./id.js"}',
      "node_modules/tiny-id/id.js": 'export const nanoid = () => "id";',
      "node_modules/old-package/package.json": '{"main": "lib/main.js"}',
      "node_modules/old-package/lib/main.js":
        '"use strict"; const { double } = require("./double"); exports.name = "old"; exports.twice = double; this.self = true;',
      "node_modules/old-package/lib/double.js":
        'const { inspect } = require("util"); let fs; try { fs = require("fs"); } catch {} module.exports = { double: (n) => n * 2 + (fs ? 1 : 0) };',
    }, { Handler: "main.run" });
    assert.deepEqual(await result(node, "modules", { lang: "it" }), [
      "id",
      "old",
      4,
      2,
      "é",
      "plain",
      1,
      "ciao",
      "c3a9",
      "d41d",
      "file:///app/main.ts",
      "modules",
    ]);
    const { body } = await post(`${node.url}/invoke/modules`, { Params: { lang: "broken" } });
    assert.match(body.Message ?? body.message, /SyntaxError: langs\/broken\.ts:1: /);
    const gone = await post(`${node.url}/invoke/modules`, { Params: { lang: "../../x" } });
    assert.match(gone.body.Message ?? gone.body.message, /only modules of the function's archive/);
  });

  await t.step("a CommonJS handler", async () => {
    await create(node, "cjs", { "main.js": "module.exports = async (p) => ({ got: p });" });
    assert.deepEqual(await result(node, "cjs", { a: 1 }), { got: { a: 1 } });
  });

  await t.step("`fetch(request)` serves plain HTTP, binary safe, with cookies", async () => {
    await create(node, "web", {
      "main.ts": `
        export default {
          async fetch(request: Request, env: Record<string, string>, context: { functionName: string }) {
            const url = new URL(request.url);
            if (url.pathname === "/stream") {
              const parts = ["one ", "two ", "three"];
              return new Response(new ReadableStream({
                async pull(controller) {
                  await new Promise((resolve) => setTimeout(resolve, 1));
                  const part = parts.shift();
                  part ? controller.enqueue(new TextEncoder().encode(part)) : controller.close();
                },
              }));
            }
            if (url.pathname === "/empty") return new Response(null, { status: 204 });
            if (url.pathname === "/away") return Response.redirect("http://example.com/", 307);
            const bytes = new Uint8Array(await request.arrayBuffer());
            const headers = new Headers({ "x-sum": String(bytes.reduce((a, b) => a + b, 0)) });
            headers.append("set-cookie", "a=1");
            headers.append("set-cookie", "b=2; Path=/");
            headers.set("x-facts", [request.method, url.pathname, url.search, env.GREETING,
              request.headers.get("x-in"), context.functionName].join("|"));
            return new Response(bytes.reverse(), { status: 201, headers });
          },
        };`,
    }, { Env: { GREETING: "hi" } });
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const answer = await fetch(`${node.url}/fn/web/deep/path?q=1&q=2`, {
      method: "PUT",
      body: bytes,
      headers: { "x-in": "in" },
    });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("x-facts"), "PUT|/deep/path|?q=1&q=2|hi|in|web");
    assert.equal(answer.headers.get("x-sum"), "32640");
    assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2; Path=/"]);
    assert.deepEqual(await answer.bytes(), bytes.reverse());
    assert.equal(await (await fetch(`${node.url}/fn/web/stream`)).text(), "one two three");
    assert.equal((await fetch(`${node.url}/fn/web/empty`)).status, 204);
    const away = await fetch(`${node.url}/fn/web/away`, { redirect: "manual" });
    await away.body?.cancel();
    assert.deepEqual([away.status, away.headers.get("location")], [307, "http://example.com/"]);
    const invoked = await result(node, "web", { a: 1 }) as { statusCode: number; body: string };
    assert.equal(invoked.statusCode, 201);
    assert.equal(atob(invoked.body), [...'{"a":1}'].reverse().join(""));
  });

  await t.step("the examples work as described", async () => {
    const read = (path: string) =>
      Deno.readTextFile(new URL(`../../../examples/deno/${path}`, import.meta.url));
    const [main, greetings, web] = await Promise.all(
      ["greet/main.ts", "greet/greetings.ts", "web.ts"].map(read),
    );
    await create(node, "greet", { "main.ts": main!, "greetings.ts": greetings! }, {
      Handler: "main",
    });
    const greeted = await result(node, "greet", { name: "Ada", language: "it" });
    assert.deepEqual(greeted, { message: "Ciao, Ada!" });
    await create(node, "example", { "web.ts": web! }, { Handler: "web", Env: { GREETING: "Hi" } });
    const sum = await fetch(`${node.url}/fn/example/sum/1/2/3`);
    assert.deepEqual(await sum.json(), { sum: 6 });
    const page = await fetch(`${node.url}/fn/example/`);
    assert.match(await page.text(), /^Hi: try/);
  });

  await t.step("a new version replaces the old one", async () => {
    const definition = {
      Name: "hello",
      Runtime: "deno",
      MemoryMB: 96,
      Handler: "main.ts",
      TarFunctionCode: await code({ "main.ts": "export default () => 'new';" }),
    };
    assert.equal((await post(`${node.url}/update`, definition)).status, 200);
    await eventually("the new version answers", async () => await result(node, "hello") === "new");
  });
});

Deno.test("a launcher starts sandboxes, if configured", async () => {
  const id = `launched-${randomId(6)}`;
  const config = { "registry.node.id": id, "sandbox.launcher": "nice -n 7", "sandbox.generic": 0 };
  await using node = await startNodeProcess({ config });
  await create(node, "f", { "main.ts": "export default () => 'here';" });
  assert.equal(await result(node, "f"), "here");
  const [sandbox] = await sandboxesOf(id);
  const stat = await Deno.readTextFile(`/proc/${sandbox!.replace("sandbox-", "")}/stat`);
  // proc_pid_stat(5): the 19th field, the 17th after the name in parentheses.
  assert.equal(stat.split(") ").at(-1)!.split(" ")[16], "7");
});
