/**
 * The HTTP client on real sockets: what is sent once, what is kept, what is reported.
 *
 * @module
 */

import assert from "node:assert/strict";
import { logTo } from "../../lib/base/log.ts";
import { connect } from "../../lib/http/address.ts";
import { askOnce } from "../../lib/http/ask_once.ts";
import { HttpClient, type HttpResponse } from "../../lib/http/client.ts";
import { BadMessage, ConnectionBroken, NeverSent, TlsFailed } from "../../lib/http/failures.ts";
import { askGuarded } from "../../lib/http/guarded.ts";
import type { HttpRequest } from "../../lib/http/request.ts";
import { eventually } from "../support/eventually.ts";
import { RawServer, say, sayWhole } from "../support/network/raw_server.ts";

const never = new AbortController().signal;
const maxBytes = 1 << 20;
const silent = () => Promise.resolve();

function connectTo({ port }: RawServer) {
  return connect({ hostname: "127.0.0.1", port, isSecure: false }, []);
}

function post(body: HttpRequest["body"] = new TextEncoder().encode("hello")): HttpRequest {
  return { method: "POST", path: "/x", headers: [["host", "test"]], body };
}

/** Sends a POST and reads the answer's text. */
async function ask(client: HttpClient, { url }: { url: string }, signal = never) {
  return new TextDecoder().decode((await client.ask(url, post(), signal, maxBytes)).body);
}

/** A stream of many parts, and its bytes. */
function large(): { stream: ReadableStream<Uint8Array>; bytes: Uint8Array } {
  const part = Uint8Array.from({ length: 50_000 }, (_, k) => k % 251);
  const bytes = new Uint8Array(part.length * 40);
  for (let at = 0; at < bytes.length; at += part.length) bytes.set(part, at);
  return { stream: ReadableStream.from(Array.from({ length: 40 }, () => part)), bytes };
}

/** Opens an exchange and counts how often it is said to have ended. */
async function opened(
  client: HttpClient,
  url: string,
  request = post(),
  signal = never,
): Promise<{ answer: HttpResponse; ended: () => number }> {
  let count = 0;
  const answer = await client.open(url, request, signal, () => count++);
  return { answer, ended: () => count };
}

/** A server that answers with more than a client takes without streaming, in two halves. */
function halves(): { server: RawServer; goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const half = "x".repeat(200 << 10);
  const server = new RawServer(async (conn) => {
    await say(conn, `HTTP/1.1 200 OK\r\ncontent-length: ${half.length * 2}\r\n\r\n`);
    await say(conn, half);
    await promise;
    await say(conn, half);
  });
  return { server, goOn: resolve };
}

Deno.test("requests in sequence use one kept-alive connection", async () => {
  using server = new RawServer((conn, _, count) => sayWhole(conn, String(count)));
  using client = new HttpClient();
  for (let count = 1; count <= 5; count++) assert.equal(await ask(client, server), String(count));
  assert.equal(server.conns.size, 1);
  assert.equal(
    server.requests[0],
    "POST /x HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello",
  );
});

Deno.test("a request without a server was never sent", async () => {
  const server = new RawServer(silent);
  server[Symbol.dispose]();
  using client = new HttpClient();
  await assert.rejects(ask(client, server), NeverSent);
  await assert.rejects(connectTo(server), NeverSent);
});

Deno.test("a request that is aborted before it is sent was never sent", async () => {
  using server = new RawServer((conn) => sayWhole(conn, "x"));
  using client = new HttpClient();
  await assert.rejects(ask(client, server, AbortSignal.abort()), NeverSent);
  const control = new AbortController();
  const asking = ask(client, server, control.signal);
  control.abort();
  await assert.rejects(asking, NeverSent);
  client[Symbol.dispose]();
  await assert.rejects(ask(client, server), NeverSent);
  assert.equal(server.requests.length, 0);
});

Deno.test("a request that may have run is not sent again, even on a kept-alive connection", async () => {
  using server = new RawServer(async (conn, _, count) => {
    if (count === 1) await sayWhole(conn, "x");
    else conn.close();
  });
  using client = new HttpClient();
  await ask(client, server);
  await assert.rejects(ask(client, server), ConnectionBroken);
  await assert.rejects(ask(client, server), ConnectionBroken);
  assert.equal(server.requests.length, 3);
});

Deno.test("kept-alive connections that have closed are not used", async () => {
  using server = new RawServer(async (conn, _, count) => {
    await sayWhole(conn, String(count));
    conn.close();
  });
  using client = new HttpClient();
  for (let count = 1; count <= 3; count++) {
    assert.equal(await ask(client, server), String(count));
    // Its end arrives by the loop's next turns.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal(server.conns.size, 3);
});

Deno.test("a response before the end of the request is read, and its connection is not reused", async () => {
  using server = new RawServer((conn) => sayWhole(conn, "stop", 413));
  using client = new HttpClient();
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) });
  const { answer, ended } = await opened(client, server.url, post(endless));
  assert.deepEqual([answer.status, ended(), isCancelled], [413, 1, true]);
  await eventually("it is closed", () => server.ended === 1);
});

Deno.test("bodies are streamed both ways", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, { remoteAddr }) =>
      new Response(request.body, { headers: { "x-port": String(remoteAddr.port) } }),
  );
  using client = new HttpClient();
  const url = `http://127.0.0.1:${server.addr.port}`;
  const ports = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const { stream, bytes } = large();
    const { answer, ended } = await opened(client, url, post(stream));
    assert.ok(answer.body instanceof ReadableStream);
    assert.deepEqual(await new Response(answer.body).bytes(), bytes);
    assert.equal(ended(), 1);
    ports.add(answer.headers.find(([name]) => name === "x-port")![1]);
  }
  assert.equal(ports.size, 1);
  const { bytes } = large();
  const echoed = await client.ask(url, post(bytes), never, bytes.length);
  assert.deepEqual(echoed.body, bytes);
  await assert.rejects(client.ask(url, post(bytes), never, bytes.length - 1), BadMessage);
});

Deno.test("a response that breaks off is an error of its stream", async () => {
  const { server, goOn } = halves();
  using _ = server;
  using client = new HttpClient();
  const { answer, ended } = await opened(client, server.url);
  const reading = new Response(answer.body).text();
  for (const conn of server.conns) conn.close();
  await assert.rejects(reading, ConnectionBroken);
  assert.equal(ended(), 1);
  goOn();
});

Deno.test("a caller that stops reading closes the connection, by the stream or by the signal", async () => {
  for (const way of ["stream", "signal"]) {
    const { server, goOn } = halves();
    using _ = server;
    using client = new HttpClient();
    const control = new AbortController();
    const { answer, ended } = await opened(client, server.url, post(), control.signal);
    assert.ok(answer.body instanceof ReadableStream);
    assert.equal(ended(), 0);
    if (way === "stream") await answer.body.cancel();
    else {
      control.abort();
      await assert.rejects(new Response(answer.body).text(), ConnectionBroken);
    }
    assert.equal(ended(), 1);
    goOn();
    await eventually("the server notices", () => server.ended === 1);
  }
});

Deno.test("the signal ends a request that waits for its response", async () => {
  using server = new RawServer(silent);
  using client = new HttpClient();
  const control = new AbortController();
  const asking = assert.rejects(ask(client, server, control.signal), ConnectionBroken);
  await eventually("it has arrived", () => server.requests.length === 1);
  control.abort();
  await asking;
  await eventually("the server notices", () => server.ended === 1);
});

Deno.test("a server that is forgotten gets no further requests, and completes those in flight", async () => {
  const { server, goOn } = halves();
  using _ = server;
  using client = new HttpClient();
  const { answer } = await opened(client, server.url);
  client.keepOnly(new Set(["http://127.0.0.1:1"]));
  goOn();
  assert.equal((await new Response(answer.body).text()).length, 400 << 10);
  await eventually("it is closed", () => server.ended === 1);
});

Deno.test("a client that is disposed aborts requests in flight, also those to servers it has forgotten", async () => {
  using server = new RawServer(silent);
  using client = new HttpClient();
  const broken = () => assert.rejects(ask(client, server), ConnectionBroken);
  const first = broken();
  await eventually("it has arrived", () => server.requests.length === 1);
  client.forget(server.url);
  const second = broken();
  await eventually("they have arrived", () => server.requests.length === 2);
  client[Symbol.dispose]();
  await Promise.all([first, second]);
  await eventually("both are closed", () => server.ended === 2);
});

Deno.test("a request on a connection of its own accepts a response in HTTP/1.0", async () => {
  using server = new RawServer(async (conn) => {
    await say(conn, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello, wörld");
    conn.close();
  });
  const { status, body } = await askOnce(await connectTo(server), post(), {
    signal: never,
    maxBytes,
  });
  assert.deepEqual([status, new TextDecoder().decode(body)], [200, "hello, wörld"]);
  assert.match(server.requests[0]!, /\r\nconnection: close\r\n/);
});

Deno.test("the signal ends a request on a connection of its own", async () => {
  using server = new RawServer(silent);
  const control = new AbortController();
  const asking = assert.rejects(
    askOnce(await connectTo(server), post(), { signal: control.signal, maxBytes }),
    ConnectionBroken,
  );
  await eventually("it has arrived", () => server.requests.length === 1);
  control.abort();
  await asking;
  await eventually("the server notices", () => server.ended === 1);
});

Deno.test("askGuarded: closes its connection to a server that does not speak TLS", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`https://127.0.0.1:${listener.addr.port}/`);
  const request = { method: "GET", headers: [], body: undefined };
  const asking = askGuarded(url, request, { forbids: () => false, maxBytes, signal: never });
  const failing = assert.rejects(asking, NeverSent);
  using conn = await listener.accept();
  await say(conn, "HTTP/1.1 400 Bad Request\r\n\r\n");
  await failing;
  let isClosed = false;
  const buffer = new Uint8Array(1024);
  const reading = (async () => {
    while (await conn.read(buffer).catch(() => null) !== null);
    isClosed = true;
  })();
  await eventually("the connection is closed", () => isClosed, 5_000);
  await reading;
});

Deno.test("TLS that cannot be agreed on is logged once", async () => {
  const warnings: string[] = [];
  using _log = { [Symbol.dispose]: () => logTo() };
  logTo(({ properties }) => warnings.push(String(properties.problem)));
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("plain"),
  );
  using client = new HttpClient();
  const url = `https://127.0.0.1:${server.addr.port}`;
  for (let k = 0; k < 5; k++) {
    await assert.rejects(ask(client, { url }), TlsFailed);
    client.forget(url);
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^No TLS connection to 127\.0\.0\.1 port \d+: /);
});

Deno.test("a connection that ends during the TLS handshake says nothing about trust", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closing = (async () => {
    for await (const conn of listener) {
      await conn.read(new Uint8Array(4096));
      conn.close();
    }
  })();
  using client = new HttpClient();
  const url = `https://127.0.0.1:${listener.addr.port}`;
  const ended = (error: unknown) => error instanceof NeverSent && !(error instanceof TlsFailed);
  await assert.rejects(ask(client, { url }), ended);
  listener.close();
  await closing;
});
