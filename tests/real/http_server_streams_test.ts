/**
 * Streamed responses of the HTTP server, and clients that half-close or disconnect.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { RawClient } from "../support/network/raw_client.ts";
import { echo, fed, get, post, serve } from "../support/network/test_server.ts";

Deno.test("HttpServer: streams a body in chunks as it comes, and keeps the connection", async () => {
  const stream = fed();
  await using server = serve((request) =>
    request.target === "/s" ? { status: 200, headers: [], body: stream.body } : echo(request)
  );
  using client = await RawClient.open(server.port, get("/s"));
  assert.match(await client.until("\r\n\r\n"), /\r\ntransfer-encoding: chunked\r\n/);
  stream.add("one");
  assert.equal(await client.until("one\r\n"), "3\r\none\r\n");
  stream.add("");
  stream.add("twotwo");
  stream.end();
  assert.equal(await client.until("0\r\n\r\n"), "6\r\ntwotwo\r\n0\r\n\r\n");
  await client.send(get("/next"));
  assert.equal((await client.response()).body, "GET /next ");
});

Deno.test("HttpServer: a stream that fails breaks the connection", async () => {
  const stream = fed();
  await using server = serve(() => ({ status: 200, headers: [], body: stream.body }));
  using client = await RawClient.open(server.port, get("/"));
  stream.add("half");
  await client.until("half\r\n");
  stream.fail();
  assert.equal(await client.rest(), "");
});

Deno.test("HttpServer: a stream to HTTP/1.0 ends with the connection", async () => {
  const stream = fed();
  await using server = serve(() => ({ status: 200, headers: [], body: stream.body }));
  using client = await RawClient.open(server.port, "GET / HTTP/1.0\r\n\r\n");
  stream.add("all");
  stream.end();
  assert.match(
    await client.rest(),
    /^HTTP\/1\.1 200 OK\r\ndate: [^]*connection: close\r\n\r\nall$/,
  );
});

Deno.test("HttpServer: a slow reader holds a stream back", async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1 << 16));
    },
  }, { highWaterMark: 0 });
  await using server = serve((request) =>
    request.target === "/s" ? { status: 200, headers: [], body } : echo(request)
  );
  using client = await RawClient.open(server.port, get("/s"));
  await client.until("\r\n\r\n");
  using other = await RawClient.open(server.port);
  // What the kernel holds for both sides is filled, and then no more is asked for.
  await eventually("the stream stands still while others are served", async () => {
    const before = pulled;
    for (let count = 0; count < 100; count++) {
      await other.send(get("/other"));
      assert.equal((await other.response()).status, 200);
    }
    return pulled > 0 && pulled === before;
  });
  assert.ok(pulled < 1_000, `${pulled} pieces`);
});

Deno.test("HttpServer: a client that half-closes gets its response, however late", async () => {
  const ready = Promise.withResolvers<void>();
  await using server = serve(async (request) => {
    if (request.target === "/late") await ready.promise;
    return await echo(request);
  });
  for (const text of [get("/now"), post("/now", "body"), "GET /now HTTP/1.0\r\n\r\n"]) {
    using client = await RawClient.open(server.port, text);
    await client.halfClose();
    assert.match((await client.response()).body, /^(GET|POST) \/now/);
    assert.equal(await client.rest(), "");
  }
  using late = await RawClient.open(server.port, get("/late") + post("/last", "x"));
  await late.halfClose();
  // The beginning of its response comes ahead of the rest.
  assert.equal(await late.until("HTT"), "HTT");
  ready.resolve();
  late.seen = `HTT${late.seen}`;
  assert.equal((await late.response()).body, "GET /late ");
  assert.equal((await late.response()).body, "POST /last x");
  assert.equal(await late.rest(), "");
});

Deno.test("HttpServer: a client that half-closes gets a whole stream", async () => {
  const stream = fed();
  await using server = serve(() => ({ status: 200, headers: [], body: stream.body }));
  using client = await RawClient.open(server.port, get("/"));
  await client.until("\r\n\r\n");
  await client.halfClose();
  // A zero before a length says nothing.
  await client.until("00");
  stream.add("one");
  assert.match(await client.until("one\r\n"), /^0*3\r\none\r\n$/);
  stream.end();
  assert.match(await client.rest(), /^0+\r\n\r\n$/);
});

Deno.test("HttpServer: a disconnect of the client is reported to the handler, before and within a response", async () => {
  const left: string[] = [];
  const stream = fed();
  await using server = serve(async (request) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    request.onDisconnect(() => {
      left.push(request.target);
      resolve();
    });
    if (request.target === "/stream") return { status: 200, headers: [], body: stream.body };
    await request.body.whole(1 << 20);
    await promise;
    return { status: 499, headers: [], body: undefined };
  });
  for (const text of [get("/get"), post("/post", "x".repeat(100_000))]) {
    (await RawClient.open(server.port, text))[Symbol.dispose]();
  }
  await eventually("the first two are reported", () => left.length === 2);
  const client = await RawClient.open(server.port, get("/stream"));
  await client.until("\r\n\r\n");
  client[Symbol.dispose]();
  await stream.cancelled;
  await eventually("nothing is open", () => server.server.connections === 0);
  assert.deepEqual(left.toSorted(), ["/get", "/post", "/stream"]);
});

Deno.test("HttpServer: a response to a client that has disconnected is not a failure", async () => {
  const ready = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using server = serve(async () => {
    begun.resolve();
    await ready.promise;
    return { status: 200, headers: [], body: "x".repeat(1 << 22) };
  });
  const client = await RawClient.open(server.port, get("/"));
  await begun.promise;
  client[Symbol.dispose]();
  ready.resolve();
  await eventually("nothing is open", () => server.server.connections === 0);
});
