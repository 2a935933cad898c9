import assert from "node:assert/strict";
import { code, post } from "../../support/client.ts";
import { eventually } from "../../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../../support/node.ts";
import { streamsSource as source } from "../../support/functions/streams_function.ts";

async function create(node: NodeProcess, name: string, fields: Record<string, unknown> = {}) {
  const definition = {
    Name: name,
    Runtime: "deno",
    MemoryMB: 96,
    MaxConcurrency: 8,
    Handler: "main.js",
    TarFunctionCode: await code({ "main.js": source }),
    ...fields,
  };
  const { status, body } = await post(`${node.url}/create`, definition);
  assert.equal(status, 200, JSON.stringify(body));
}

async function seen(node: NodeProcess): Promise<{ left: string[]; sent: number }> {
  return await (await fetch(`${node.url}/fn/events/seen`)).json();
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

async function residentBytes(node: NodeProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${node.pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

Deno.test("responses of `fetch(request)` are streamed", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  await create(node, "events");

  await t.step("written data reaches the client while the function continues", async () => {
    const answer = await fetch(`${node.url}/fn/events/wait/a`);
    assert.equal(answer.headers.get("x-kind"), "wait");
    const reader = answer.body!.getReader();
    assert.equal(text((await reader.read()).value), "first,");
    const opened = await fetch(`${node.url}/fn/events/open/a`);
    assert.equal(await opened.text(), "opened");
    assert.equal(text((await reader.read()).value), "last");
    assert.equal((await reader.read()).done, true);
  });

  await t.step("a client that disconnects ends the function's stream", async () => {
    const abort = new AbortController();
    const answer = await fetch(`${node.url}/fn/events/wait/b`, { signal: abort.signal });
    const reader = answer.body!.getReader();
    await reader.read();
    abort.abort();
    await reader.closed.catch(() => {});
    await eventually("it is reported", async () => (await seen(node)).left.includes("b"));
    await eventually("nothing runs", async () => {
      const metrics = await (await fetch(`${node.url}/metrics`)).text();
      return /outcome="CANCELLED"[^\n]* 1$/m.test(metrics);
    });
  });

  await t.step("a failure after the first bytes aborts the transfer", async () => {
    const answer = await fetch(`${node.url}/fn/events/fail/c`);
    const reader = answer.body!.getReader();
    assert.equal(text((await reader.read()).value), "first,");
    await (await fetch(`${node.url}/fn/events/open/c`)).body?.cancel();
    await assert.rejects(reader.read());
  });

  await t.step("a timeout aborts the transfer, and nothing is compressed on its way", async () => {
    await create(node, "short", { TimeoutMs: 700 });
    const headers = { "accept-encoding": "gzip" };
    const answer = await fetch(`${node.url}/fn/short/wait/d`, { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-encoding"), null);
    const reader = answer.body!.getReader();
    assert.equal(text((await reader.read()).value), "first,");
    await assert.rejects(reader.read());
  });

  await t.step("a slow reader slows down the function, and the node buffers little", async () => {
    const size = 96 << 20;
    const before = await residentBytes(node);
    const answer = await fetch(`${node.url}/fn/events/flood/${size}`);
    const reader = answer.body!.getReader();
    let read = (await reader.read()).value!.length;
    let last = -1;
    await eventually("the function is held up", async () => {
      const { sent } = await seen(node);
      const isStill = sent === last;
      last = sent;
      return isStill;
    });
    assert.ok(last < size / 3, `${last} bytes were sent to a client that does not read`);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      read += next.value.length;
    }
    assert.equal(read, size);
    const grown = await residentBytes(node) - before;
    assert.ok(grown < size / 2, `the node grew by ${grown} bytes`);
  });

  await t.step("invocations and HEAD get whole responses", async () => {
    const { body } = await post(`${node.url}/invoke/events`, {
      Params: {
        method: "GET",
        path: "/wait/a",
        headers: {},
        body: "",
        isBase64Encoded: false,
      },
    });
    assert.equal(atob(JSON.parse(body.Result).body), "first,last");
    const head = await fetch(`${node.url}/fn/events/wait/a`, { method: "HEAD" });
    assert.equal(head.headers.get("x-kind"), "wait");
  });

  await t.step(
    "the response to HEAD does not wait for the body, and has the function's length",
    async () => {
      const large = `export default { fetch: ({ url }) => {
      let left = 3000;
      const pull = (part) => left-- > 0 ? part.enqueue(new Uint8Array(100_000)) : part.close();
      const headers = url.endsWith("/known") ? { "content-length": "1234" } : {};
      return new Response(new ReadableStream({ pull }), { headers });
    } };`;
      await create(node, "large", { TarFunctionCode: await code({ "main.js": large }) });
      for (const [path, length] of [["known", "1234"], ["unknown", null]] as const) {
        const { status, headers } = await fetch(`${node.url}/fn/large/${path}`, { method: "HEAD" });
        assert.deepEqual([status, headers.get("content-length")], [200, length]);
      }
    },
  );
});
