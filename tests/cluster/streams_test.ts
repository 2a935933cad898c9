import assert from "node:assert/strict";
import { code, post } from "../support/client.ts";
import { aimsAt, Continuum, knows, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { rawRequest } from "../support/network/raw_request.ts";
import { showRequest, trickyTargets } from "../support/functions/request_function.ts";
import { streamsSource } from "../support/functions/streams_function.ts";

Deno.test("responses are streamed through a node and a balancer", async (t) => {
  await using world = await Continuum.start();
  const memory = { "container.pool.memory": 512 };
  const [edge, lb, cloud] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "cloudonly" }),
    world.join("lb-1", "CLOUD", {}, { command: "lb" }),
    world.join("cloud-1", "CLOUD", memory),
  ]);
  await sees(edge, [cloud, lb]);
  await aimsAt(edge, [lb]);
  for (
    const [Name, TimeoutMs, source] of [
      ["events", 60_000, streamsSource],
      ["short", 1000, streamsSource],
      ["web", 60_000, showRequest],
    ] as const
  ) {
    const definition = {
      Name,
      Runtime: "deno",
      MemoryMB: 96,
      MaxConcurrency: 8,
      TimeoutMs,
      Handler: "main.js",
      TarFunctionCode: await code({ "main.js": source }),
    };
    const { status, body } = await post(`${edge.url}/create`, definition);
    assert.equal(status, 200, JSON.stringify(body));
    await knows(cloud, Name);
  }
  const page = (path: string) => fetch(`${edge.url}/fn/${path}`);
  const json = async (path: string) => await (await page(path)).json();
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

  await t.step("responses arrive while they are written", async () => {
    const reader = (await page("events/wait/a")).body!.getReader();
    assert.equal(text((await reader.read()).value), "first,");
    assert.equal(await (await page("events/open/a")).text(), "opened");
    assert.equal(text((await reader.read()).value), "last");
    assert.equal((await reader.read()).done, true);
  });

  await t.step("a client that disconnects ends the function's stream", async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const answer = await fetch(`${edge.url}/fn/events/wait/b`, { signal });
    await answer.body!.getReader().read();
    abort.abort();
    await eventually("it is reported", async () => {
      return (await json("events/seen")).left.includes("b");
    });
  });

  await t.step("a timeout on the remote node aborts the transfer here", async () => {
    await eventually("it is warm", async () => (await json("short/seen")).sent === 0);
    const reader = (await page("short/wait/c")).body!.getReader();
    assert.equal(text((await reader.read()).value), "first,");
    await assert.rejects(reader.read());
  });

  await t.step("requests arrive unchanged through both", async () => {
    for (const { url } of [edge, lb]) {
      for (const target of trickyTargets) {
        const { text, status } = await rawRequest(url, "GET", `/fn/web${target}`);
        assert.equal(status, 200, text);
        assert.equal(JSON.parse(text).url, `http://test.example:8080${target}`);
      }
      const lines = ["Content-Length: 2", "X-Mine: 1", "X-Mine: 2"];
      const put = JSON.parse((await rawRequest(url, "PUT", "/fn/web/", lines, "ab")).text);
      assert.deepEqual([put.method, put.body, put.mine], ["PUT", "ab", "1, 2"]);
      const { hasBody, names } = JSON.parse((await rawRequest(url, "POST", "/fn/web/")).text);
      assert.deepEqual([hasBody, names.includes("content-type")], [false, false]);
      const head = await rawRequest(url, "HEAD", "/fn/web/");
      assert.deepEqual([head.status, head.headers.get("content-type")], [200, "application/json"]);
    }
  });

  const ran = (await world.audit()).filter(({ place }) => place === "local");
  assert.deepEqual(new Set(ran.map(({ node }) => node)), new Set([cloud.id]));
});
