/**
 * Bounds of the HTTP server in time and connections, its end, and HTTP/2.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Rope } from "../../lib/base/rope.ts";
import type { OutgoingResponse } from "../../lib/http/server/messages.ts";
import { HttpServer } from "../../lib/http/server/server.ts";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/process.ts";
import { RawClient } from "../support/network/raw_client.ts";
import { echo, failingListener, fed, get, post, serve } from "../support/network/test_server.ts";

Deno.test("HttpServer: bounds the time of heads, bodies, idle connections and slow readers", async () => {
  const begun: string[] = [];
  await using server = serve(
    async (request) => {
      begun.push(request.target);
      if (request.target !== "/large") return await echo(request);
      return { status: 200, headers: [], body: new Uint8Array(1 << 26) };
    },
    { headMs: 80, idleMs: 80, bodyMs: 80, sendMs: 80 },
  );
  using silent = await RawClient.open(server.port);
  using half = await RawClient.open(server.port, "GET / HT");
  using idle = await RawClient.open(server.port, get("/"));
  using body = await RawClient.open(server.port, post("/body", "abc").slice(0, -1));
  using reader = await RawClient.open(server.port, get("/large"));
  assert.equal(await silent.rest(), "");
  assert.match(await half.rest(), /^HTTP\/1\.1 408 /);
  assert.match(await idle.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*GET \/ $/);
  assert.match(await body.rest(), /^HTTP\/1\.1 408 /);
  await eventually("all are closed", () => server.server.connections === 0);
  assert.ok((await reader.rest()).length < 1 << 26, "the rest is not sent");
  assert.deepEqual(begun.toSorted(), ["/", "/body", "/large"]);
});

Deno.test("HttpServer: a body that trickles times out", async () => {
  await using server = serve(echo, { bodyMs: 200, bodyRate: 100_000 });
  using client = await RawClient.open(server.port, post("/", "x".repeat(1_000)).slice(0, -1_000));
  const trickle = (async () => {
    while (!client.hasEnded) {
      await client.send("x");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })().catch(() => {});
  assert.match(await client.rest(), /^HTTP\/1\.1 408 /);
  await trickle;
});

Deno.test("HttpServer: the connection that has been idle longest is closed when all slots are taken", async () => {
  const ready = Promise.withResolvers<void>();
  await using server = serve(async (request) => {
    if (request.target === "/busy") await ready.promise;
    return await echo(request);
  }, { connections: 3, headMs: 2_000 });
  using busy = await RawClient.open(server.port, get("/busy"));
  using idle = await RawClient.open(server.port, get("/idle"));
  await idle.response();
  using half = await RawClient.open(server.port, "GET / HT");
  await eventually("all places are taken", () => server.server.connections === 3);
  using first = await RawClient.open(server.port, get("/first"));
  assert.equal((await first.response()).body, "GET /first ");
  assert.equal(await idle.rest(), "");
  using second = await RawClient.open(server.port, get("/second"));
  assert.equal((await second.response()).body, "GET /second ");
  ready.resolve();
  assert.equal((await busy.response()).body, "GET /busy ");
  assert.match(await half.rest(), /^(HTTP\/1\.1 408 [^]*)?$/);
});

Deno.test("HttpServer: a connection waits for a slot while all are busy", async () => {
  const ready = Promise.withResolvers<void>();
  await using server = serve(async (request) => {
    await ready.promise;
    return await echo(request);
  }, { connections: 2 });
  const clients: RawClient[] = [];
  for (let at = 0; at < 5; at++) {
    clients.push(await RawClient.open(server.port, get(`/${at}`, "Connection: close")));
  }
  await eventually("no more is accepted", () => server.server.connections === 3);
  ready.resolve();
  for (const [at, client] of clients.entries()) {
    assert.equal((await client.response()).body, `GET /${at} `);
    client[Symbol.dispose]();
  }
});

Deno.test("HttpServer: errors of accept are waited out, and counted", async () => {
  const listener = failingListener(3);
  const refuse = (status: number, body: string) => ({ status, headers: [], body });
  await using server = new HttpServer({ sources: [listener], handler: echo, refuse });
  using client = await RawClient.open(listener.port, get("/"));
  assert.equal((await client.response()).body, "GET / ");
  assert.equal(server.acceptErrors, 3);
});

Deno.test("HttpServer: an address other than this machine's gets its share of the slots", async () => {
  // Under another name of it, to the server the client is another machine.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const foreign = {
    close: () => listener.close(),
    async accept() {
      const conn = await listener.accept();
      const remoteAddr = { ...conn.remoteAddr, hostname: "192.0.2.7" };
      Object.defineProperty(conn, "remoteAddr", { value: remoteAddr });
      return conn;
    },
  };
  const ready = Promise.withResolvers<void>();
  await using server = new HttpServer({
    sources: [foreign],
    async handler(request) {
      if (request.target === "/busy") await ready.promise;
      return await echo(request);
    },
    refuse: (status, body) => ({ status, headers: [], body }),
    limits: { connectionsOfAddress: 2 },
  });
  const { port } = listener.addr;
  using idle = await RawClient.open(port, get("/idle"));
  await idle.response();
  using busy = await RawClient.open(port, get("/busy"));
  await eventually("both are served", () => server.connections === 2);
  using next = await RawClient.open(port, get("/busy"));
  assert.equal(await idle.rest(), "", "its own idle connection makes way");
  using refused = await RawClient.open(port, get("/"));
  assert.equal(await refused.rest(), "");
  assert.equal(server.refusedConnections, 1);
  ready.resolve();
  assert.equal((await busy.response()).body, "GET /busy ");
  assert.equal((await next.response()).body, "GET /busy ");
});

Deno.test("HttpServer: a stopping server closes idle connections, and others after their response", async () => {
  const ready = Promise.withResolvers<void>();
  await using server = serve(async (request) => {
    if (request.target === "/busy") await ready.promise;
    return await echo(request);
  }, { lingerMs: 50 });
  using idle = await RawClient.open(server.port, get("/idle"));
  await idle.response();
  using busy = await RawClient.open(server.port, get("/busy") + get("/next"));
  await eventually("both are served", () => server.server.connections === 2);
  const stopped = server.server.shutdown(20_000);
  assert.equal(await idle.rest(), "");
  ready.resolve();
  const { head, body } = await busy.response();
  assert.equal(body, "GET /busy ");
  assert.match(head, /\r\nconnection: close\r\n/);
  assert.equal(await busy.rest(), "");
  await stopped;
  await assert.rejects(RawClient.open(server.port));
});

Deno.test("HttpServer: HTTP/2 with prior knowledge reaches the same handler, its authority as host", async () => {
  await using server = serve(async ({ method, target, headers, client, body }) => ({
    status: 200,
    headers: [["x-client", client]],
    body: `${method} ${target} ${headers.get("host")} ${await body.text(1 << 20)}`,
  }));
  const url = `http://127.0.0.1:${server.port}/a//b?x=%20+`;
  const curl = ["curl", "-s", "-i", "--http2-prior-knowledge", "--path-as-is"];
  const { stdout } = await runToEnd([...curl, "-d", "body", url]);
  assert.ok(stdout.endsWith(`POST /a//b?x=%20+ 127.0.0.1:${server.port} body`), stdout);
  assert.match(stdout, /^HTTP\/2 200 \r\nx-client: 127\.0\.0\.1\r\n/);
  await eventually("nothing is open", () => server.server.connections === 0);
});

Deno.test("HttpServer: HTTP/2 keeps the memory of a response reserved until its client has it", async () => {
  let released = false;
  const held = { [Symbol.dispose]: () => void (released = true) };
  await using server = serve(() => ({
    status: 200,
    headers: [],
    body: new Uint8Array(4 << 20),
    held,
  }));
  using client = await RawClient.open(server.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  // Empty settings, and a GET of / as stream 1 (RFC 9113, 4.1; RFC 7541, appendix A).
  await client.send("\0\0\0\x04\0\0\0\0\0" + "\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x");
  // The window of a new stream is 65,535 bytes, and the client opens it no further.
  await client.until("\0".repeat(10_000));
  assert.equal(released, false);
  client[Symbol.dispose]();
  await eventually("it is released", () => released);
  released = false;
  const url = `http://127.0.0.1:${server.port}`;
  const { stdout } = await runToEnd(["curl", "-s", "--http2-prior-knowledge", url]);
  assert.equal(stdout.length, 4 << 20);
  await eventually("it is released", () => released);
});

Deno.test("HttpServer: HTTP/2 announces the length of a response whose memory is reserved", async () => {
  const held = { [Symbol.dispose]() {} };
  const bodies: OutgoingResponse["body"][] = [
    "text",
    new Uint8Array(200_000),
    new Rope([new Uint8Array(200_000)]),
  ];
  await using server = serve(({ target }) => ({
    status: 200,
    headers: [["content-length", "1"]],
    body: bodies[Number(target.at(-1))],
    held: target.startsWith("/held") ? held : undefined,
  }));
  const url = `http://127.0.0.1:${server.port}`;
  const curl = ["curl", "-s", "--http2-prior-knowledge", "-o", "/dev/null"];
  const format = "%{http_version} %header{content-length} %{size_download}";
  for (const kind of ["held", "free"]) {
    for (const [at, length] of [4, 200_000, 200_000].entries()) {
      const { stdout } = await runToEnd([...curl, "-w", format, `${url}/${kind}/${at}`]);
      assert.equal(stdout, `2 ${length} ${length}`);
    }
  }
});

Deno.test("HttpServer: HTTP/2 releases the memory of a response whose body is not sent", async () => {
  let released = 0;
  const held = { [Symbol.dispose]: () => void released++ };
  const answers: Record<string, Omit<OutgoingResponse, "held">> = {
    "/empty": { status: 204, headers: [], body: undefined },
    "/head": { status: 200, headers: [], body: new Uint8Array(200_000) },
    "/unsendable": { status: 200, headers: [["a", "b\nc"]], body: new Uint8Array(200_000) },
  };
  await using server = serve(({ target }) => ({ ...answers[target]!, held }));
  const curl = ["curl", "-s", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}"];
  const status = async (...args: string[]) => (await runToEnd([...curl, ...args])).stdout;
  const url = `http://127.0.0.1:${server.port}`;
  assert.deepEqual([await status(`${url}/empty`), released], ["204", 1]);
  assert.deepEqual([await status("-I", `${url}/head`), released], ["200", 2]);
  assert.deepEqual([await status(`${url}/unsendable`), released], ["500", 3]);
});

Deno.test("HttpServer: an HTTP/2 connection is idle after its client has cancelled a response", async () => {
  const stream = fed();
  await using server = serve(
    ({ target }) => ({ status: 200, headers: [], body: target === "/" ? stream.body : "short" }),
    { idleMs: 200 },
  );
  using client = await RawClient.open(server.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  // GET / as stream 1, which RST_STREAM cancels, then GET /index.html as stream 3.
  const settings = "\0\0\0\x04\0\0\0\0\0";
  await client.send(settings + "\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x");
  stream.add("first");
  await client.until("first");
  await client.send("\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08");
  await stream.cancelled;
  await client.send("\0\0\x06\x01\x05\0\0\0\x03\x82\x86\x85\x41\x01x");
  await client.until("short");
  await eventually("the idle connection is closed", () => server.server.connections === 0);
});

Deno.test("HttpServer: HTTP/2 streams, and its clients disconnect", async () => {
  const stream = fed();
  const left = Promise.withResolvers<void>();
  await using server = serve(async (request) => {
    request.onDisconnect(left.resolve);
    if (request.target === "/stream") return { status: 200, headers: [], body: stream.body };
    await left.promise;
    return { status: 499, headers: [], body: undefined };
  });
  const curl = ["-s", "--http2-prior-knowledge", "--max-time", "1"];
  const url = `http://127.0.0.1:${server.port}`;
  const streamed = runToEnd(["curl", "-s", "--http2-prior-knowledge", `${url}/stream`]);
  stream.add("one ");
  stream.add("two");
  stream.end();
  assert.equal((await streamed).stdout, "one two");
  await runToEnd(["curl", ...curl, `${url}/never`]);
  await left.promise;
});

Deno.test("HttpServer: any request is answered or its connection closed, and the next one served", async () => {
  await using server = serve();
  const valid = [get("/x"), post("/y", "body"), get("/z", "Connection: close")];
  let seed = 7;
  const random = (below: number) =>
    (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let round = 0; round < 300; round++) {
    const text = [...valid[random(valid.length)]!];
    for (let change = random(4); change >= 0; change--) {
      const at = random(text.length);
      const char = String.fromCharCode(random(256));
      if (random(2) === 0) text[at] = char;
      else text.splice(at, random(3), char);
    }
    using client = await RawClient.open(server.port, text.join(""));
    await client.halfClose();
    for (const [, status] of (await client.rest()).matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
      assert.ok(Number(status) < 500 || [501, 505].includes(Number(status)), text.join(""));
    }
  }
  using client = await RawClient.open(server.port, get("/after"));
  assert.equal((await client.response()).body, "GET /after ");
});
