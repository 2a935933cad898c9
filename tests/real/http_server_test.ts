/**
 * The HTTP server with real sockets and clients of bad manners.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RawClient } from "../support/network/raw_client.ts";
import { echo, get, post, serve } from "../support/network/test_server.ts";

Deno.test("HttpServer: answers requests of one connection in turn", async () => {
  await using server = serve();
  using client = await RawClient.open(server.port, get("/1"));
  assert.equal((await client.response()).body, "GET /1 ");
  await client.send(post("/2", "two"));
  const { status, head, body } = await client.response();
  assert.deepEqual([status, body], [200, "POST /2 two"]);
  assert.match(head, /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  assert.doesNotMatch(head, /\r\nconnection:/);
});

Deno.test("HttpServer: answers OPTIONS * with the methods it takes", async () => {
  await using server = serve();
  using client = await RawClient.open(server.port, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  const { status, head } = await client.response();
  assert.equal(status, 204);
  assert.match(head, /\r\nallow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n/i);
  await client.send(get("/next"));
  assert.equal((await client.response()).body, "GET /next ");
});

Deno.test("HttpServer: answers pipelined requests in their order, quick or slow", async () => {
  const gates = new Map([["/slow", Promise.withResolvers<void>()]]);
  await using server = serve(async (request) => {
    await gates.get(request.target)?.promise;
    return await echo(request);
  });
  using client = await RawClient.open(server.port);
  const bodies = ["a".repeat(5_000), "", "c"];
  await client.send(post("/slow", bodies[0]!) + get("/2") + post("/3", "c") + get("/4"));
  gates.get("/slow")!.resolve();
  const seen = [];
  for (let at = 0; at < 4; at++) seen.push((await client.response()).body);
  assert.deepEqual(seen, [`POST /slow ${bodies[0]}`, "GET /2 ", "POST /3 c", "GET /4 "]);
});

Deno.test("HttpServer: takes heads and bodies in the smallest pieces", async () => {
  await using server = serve();
  using client = await RawClient.open(server.port);
  const chunked = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "2;x=y\r\nab\r\n003\r\ncde\r\n0\r\nTrailer: 1\r\n\r\n";
  for (const text of ["\r\n" + post("/p", "body"), chunked]) {
    for (const char of text) await client.send(char);
  }
  assert.equal((await client.response()).body, "POST /p body");
  assert.equal((await client.response()).body, "POST /c abcde");
});

Deno.test("HttpServer: accepts heads up to its maximum, and says what is too long", async () => {
  await using server = serve();
  const long = "x".repeat(60_000);
  using good = await RawClient.open(server.port, get("/", `Long: ${long}`));
  assert.equal((await good.response()).status, 200);
  using header = await RawClient.open(server.port, get("/", `Long: ${long}${long}`));
  assert.equal((await header.response()).status, 431);
  using target = await RawClient.open(server.port, get(`/${long}${long}`));
  assert.equal((await target.response()).status, 414);
});

Deno.test("HttpServer: refuses what breaks HTTP's rules, and closes", async () => {
  await using server = serve();
  const cases: [number, string][] = [
    [400, "nonsense\r\n\r\n"],
    [400, "GET / HTTP/1.1\r\n\r\n"],
    [400, get("/", "Host: b")],
    [400, post("/", "abc", "Content-Length: 3")],
    [501, post("/", "abc", "Transfer-Encoding: gzip")],
    [505, "GET / HTTP/9.9\r\n\r\n"],
  ];
  for (const [status, text] of cases) {
    using client = await RawClient.open(server.port, text + get("/smuggled"));
    const answer = await client.response();
    assert.equal(answer.status, status, text);
    assert.match(answer.head, /\r\nconnection: close\r\n/);
    assert.equal(await client.rest(), "", text);
  }
});

Deno.test("HttpServer: a bad chunk breaks the request, not the server", async () => {
  await using server = serve();
  for (
    const chunk of [
      "x\r\n",
      "-1\r\n",
      "2\r\nabc\r\n0\r\n\r\n",
      "2\nab\r\n0\r\n\r\n",
      "1\r\na\n0\r\n\r\n",
    ]
  ) {
    using client = await RawClient.open(
      server.port,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${get("/smuggled")}`,
    );
    const { status, body } = await client.response();
    assert.equal(status, 400, chunk);
    assert.match(body, /^has (an invalid chunk|a line without a CR)/, chunk);
    assert.equal(await client.rest(), "", chunk);
  }
});

Deno.test("HttpServer: a request with both lengths is answered, and its connection closed", async () => {
  await using server = serve();
  const text =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "2\r\nab\r\n0\r\n\r\n";
  using client = await RawClient.open(server.port, text + get("/smuggled"));
  const { head, body } = await client.response();
  assert.equal(body, "POST / ab");
  assert.match(head, /\r\nconnection: close\r\n/);
  assert.equal(await client.rest(), "");
});

Deno.test("HttpServer: HTTP/1.0 is answered and closed, or kept where the client asks", async () => {
  await using server = serve();
  using client = await RawClient.open(server.port, "GET /0 HTTP/1.0\nConnection: keep-alive\n\n");
  assert.equal((await client.response()).body, "GET /0 ");
  await client.send("GET /1 HTTP/1.0\r\n\r\n");
  const { head, body } = await client.response();
  assert.equal(body, "GET /1 ");
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n/);
  assert.equal(await client.rest(), "");
});

Deno.test("HttpServer: HEAD is answered with the length of the body, and without it", async () => {
  await using server = serve();
  using client = await RawClient.open(server.port, get("/x").replace("GET", "HEAD"));
  assert.match(await client.until("\r\n\r\n"), /\r\ncontent-length: 8\r\n/);
  await client.send(get("/y"));
  assert.equal((await client.response()).body, "GET /y ");
});

Deno.test("HttpServer: HEAD is answered with the length that the handler says", async () => {
  let headers: [string, string][] = [["content-length", "1234"]];
  await using server = serve(() => ({ status: 200, headers, body: "" }));
  using client = await RawClient.open(server.port, get("/x").replace("GET", "HEAD"));
  assert.match(await client.until("\r\n\r\n"), /\r\ncontent-length: 1234\r\n/);
  // Nobody knows how long the body would be.
  headers = [];
  await client.send(get("/x").replace("GET", "HEAD"));
  assert.doesNotMatch(await client.until("\r\n\r\n"), /content-length/);
});

Deno.test("HttpServer: a client of HTTP/1.0 learns that its connection is kept", async () => {
  await using server = serve();
  const request = "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  using client = await RawClient.open(server.port, request);
  assert.match((await client.response()).head, /\r\nconnection: keep-alive\r\n/);
  await client.send(request);
  assert.equal((await client.response()).body, "GET /x ");
});

Deno.test("HttpServer: statuses without a body have neither length nor body", async () => {
  let status = 204;
  await using server = serve(() => ({ status, headers: [], body: "" }));
  using client = await RawClient.open(server.port);
  for (status of [204, 304]) {
    await client.send(get("/"));
    assert.doesNotMatch(await client.until("\r\n\r\n"), /content-length|transfer-encoding/);
  }
  status = 205;
  await client.send(get("/"));
  assert.match(await client.until("\r\n\r\n"), /\r\ncontent-length: 0\r\n/);
});

Deno.test("HttpServer: a client that expects 100-continue may go on, or learns why not", async () => {
  await using server = serve(async (request) =>
    request.target === "/no" ? { status: 403, headers: [], body: "no" } : await echo(request)
  );
  using client = await RawClient.open(server.port);
  const [head = "", body = ""] = post("/yes", "later", "Expect: 100-continue").split("\r\n\r\n");
  await client.send(`${head}\r\n\r\n`);
  assert.equal(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send(body);
  assert.equal((await client.response()).body, "POST /yes later");
  await client.send(`${head.replace("/yes", "/no")}\r\n\r\n`);
  const refused = await client.response();
  assert.equal(refused.status, 403);
  assert.match(refused.head, /connection: close/);
});

Deno.test("HttpServer: an unread body is skipped if it is small, and ends the connection if not", async () => {
  await using server = serve(() => ({ status: 200, headers: [], body: "unread" }));
  using client = await RawClient.open(server.port);
  await client.send(post("/", "x".repeat(50_000)) + get("/"));
  assert.equal((await client.response()).body, "unread");
  assert.equal((await client.response()).body, "unread");
  using large = await RawClient.open(server.port);
  const sending = large.send(post("/", "x".repeat(1 << 20)));
  const answer = await large.response();
  await sending;
  assert.match(answer.head, /connection: close/);
  assert.equal(await large.rest(), "");
});
