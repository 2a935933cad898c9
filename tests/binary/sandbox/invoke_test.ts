import assert from "node:assert/strict";
import { code, get, post } from "../../support/client.ts";
import { eventually } from "../../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../../support/node.ts";

/** Invokes `name`, as often as `times` says at once; tells results and codes. */
const caller = `
export default async ({ name, params, times = 1 }, context) => {
  const one = () => context.invoke(name, params)
    .catch(({ code, message }) => ({ code, message, left: context.remainingMs() }));
  const all = await Promise.all(Array.from({ length: times }, one));
  return times === 1 ? all[0] : all;
}`;
const callee = `
export default async (params, context) => {
  if (params?.fail) throw new TypeError("bad");
  if (params?.sleep) await new Promise((resolve) => setTimeout(resolve, params.sleep));
  return { params, left: context.remainingMs() };
}`;

async function create(
  node: NodeProcess,
  Name: string,
  source: string,
  fields: Record<string, unknown> = {},
): Promise<void> {
  const { status, body } = await post(`${node.url}/create`, {
    Name,
    Runtime: "deno",
    MemoryMB: 96,
    Handler: "main.js",
    TarFunctionCode: await code({ "main.js": source }),
    ...fields,
  });
  assert.equal(status, 200, JSON.stringify(body));
}

async function result(node: NodeProcess, name: string, Params: unknown, fields = {}) {
  const { status, body } = await post(`${node.url}/invoke/${name}`, { Params, ...fields });
  assert.equal(status, 200, JSON.stringify(body));
  return JSON.parse(body.Result);
}

async function isIdle(node: NodeProcess): Promise<void> {
  await eventually("nothing runs or waits", async () => {
    const { body } = await get(`${node.url}/status`);
    return body.Running === 0 && body.QueueLength === 0;
  });
}

Deno.test("context.invoke in sandboxes", async (t) => {
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 4096, "log.format": "json" },
  });
  await create(node, "f", caller, { Invokes: ["g*"] });
  await create(node, "g", callee, { MaxConcurrency: 32 });
  await create(node, "other", callee);

  await t.step("gives the result, with the time left of the caller", async () => {
    const params = { text: "é", n: [1] };
    const { params: echoed, left } = await result(node, "f", { name: "g", params }, {
      QoSMaxRespT: 20,
    });
    assert.deepEqual(echoed, params);
    assert(left > 0 && left <= 20_000, `${left}`);
    await eventually(
      "the log names the caller",
      () =>
        node.log().split("\n").some((line) =>
          line.includes('"function":"g"') && line.includes('"caller":"f"')
        ),
    );
  });

  await t.step("errors have a code, and depend on the caller's patterns first", async () => {
    const codeOf = async (name: string, params: unknown = null) =>
      (await result(node, "f", { name, params })).code;
    assert.equal(await codeOf("other"), "FORBIDDEN");
    assert.equal(await codeOf("unknown"), "FORBIDDEN");
    assert.equal(await codeOf("g-unknown"), "FUNCTION_UNKNOWN");
    assert.equal(await codeOf("g", [1]), "INVALID_REQUEST");
    const { code, message } = await result(node, "f", { name: "g", params: { fail: true } });
    assert.deepEqual([code, message], ["FUNCTION_ERROR", "TypeError: bad"]);
  });

  await t.step("a changed list of patterns holds from the next invocation on", async () => {
    const patch = await fetch(`${node.url}/function/f`, {
      method: "PATCH",
      body: JSON.stringify({ Invokes: ["other", "g"] }),
    });
    assert.equal(patch.status, 200, await patch.text());
    assert.deepEqual((await result(node, "f", { name: "other", params: { a: 1 } })).params, {
      a: 1,
    });
  });

  await t.step("long parameters and results pass", async () => {
    const text = "ü".repeat(1 << 20);
    const { params } = await result(node, "f", { name: "g", params: { text } });
    assert.equal(params.text, text);
  });

  await t.step("a call may wait for 16 functions at once", async () => {
    const all: Record<string, unknown>[] = await result(node, "f", {
      name: "g",
      params: { sleep: 300 },
      times: 17,
    });
    assert.deepEqual(all.map(({ code }) => code ?? "OK").sort(), [
      ...Array(16).fill("OK"),
      "UNPROCESSABLE",
    ]);
  });

  await t.step("functions that invoke each other in a loop end with the loop's names", async () => {
    const source = `export default (_, context) => context.invoke(
      context.functionName === "ping" ? "pong" : "ping")`;
    await create(node, "ping", source, { Invokes: ["pong"], MaxConcurrency: 9 });
    await create(node, "pong", source, { Invokes: ["ping"], MaxConcurrency: 9 });
    const { status, body } = await post(`${node.url}/invoke/ping`, {});
    assert.deepEqual([status, body.code], [500, "FUNCTION_ERROR"], JSON.stringify(body));
    assert.match(body.message, /9 functions wait for each other \(ping -> pong -> ping/);
    await isIdle(node);
  });

  await t.step("a client that disconnects cancels what its function waits for", async () => {
    const abort = new AbortController();
    const request = fetch(`${node.url}/invoke/f`, {
      method: "POST",
      body: JSON.stringify({ Params: { name: "g", params: { sleep: 60_000 } } }),
      signal: abort.signal,
    });
    await eventually("both run", async () => (await get(`${node.url}/status`)).body.Running === 2);
    abort.abort();
    await assert.rejects(request);
    await isIdle(node);
  });

  await t.step("a `fetch(request)` handler invokes too, also while it streams", async () => {
    const source = `export default { async fetch(request, env, context) {
      const one = await context.invoke("g", { path: new URL(request.url).pathname });
      const encoder = new TextEncoder();
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(encoder.encode(one.params.path + " ")),
        async pull(controller) {
          const { params } = await context.invoke("g", { text: "x".repeat(1 << 17), sleep: 50 });
          controller.enqueue(encoder.encode(String(params.text.length)));
          controller.close();
        },
      });
      const denied = await context.invoke("unknown").catch(({ code }) => code);
      return new Response(body, { headers: { "x-denied": denied } });
    } };`;
    await create(node, "web", source, { Invokes: ["g"] });
    const response = await fetch(`${node.url}/fn/web/a/b`);
    assert.deepEqual([response.status, response.headers.get("x-denied")], [200, "FORBIDDEN"]);
    assert.equal(await response.text(), `/a/b ${1 << 17}`);
  });

  await t.step("a timer that outlives its call is refused", async () => {
    await create(
      node,
      "late",
      `let late;
      export default (_, context) => late ?? void (late = new Promise((resolve) => setTimeout(resolve, 100))
        .then(() => context.invoke("g")).catch(({ code, message }) => ({ code, message })));`,
      { Invokes: ["g"] },
    );
    assert.equal(await result(node, "late", null), null);
    assert.match((await result(node, "late", null)).message, /has ended/);
  });
});

Deno.test("context.invoke: memory for one instance, caller and callee need two, ends at the deadline", async () => {
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 128, "sandbox.generic": 0 },
  });
  await create(node, "f", caller, { Invokes: ["g"] });
  await create(node, "g", callee);
  const { status, body } = await post(`${node.url}/invoke/f`, {
    Params: { name: "g" },
    QoSMaxRespT: 2,
  });
  assert.equal(body.code, "DEADLINE_EXCEEDED", JSON.stringify(body));
  assert.equal(status, 504);
  await isIdle(node);
  assert.deepEqual((await result(node, "g", { a: 1 })).params, { a: 1 });
});
