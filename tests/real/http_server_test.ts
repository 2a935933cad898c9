/**
 * The HTTP server with real sockets and clients of bad manners.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ServerLimits } from "../../lib/http/server/limits.ts";
import type { HttpHandler, IncomingRequest } from "../../lib/http/server/messages.ts";
import { HttpServer } from "../../lib/http/server/server.ts";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/process.ts";
import { RawClient } from "../support/network/raw_client.ts";

interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly server: HttpServer;
}

/** A listener whose first attempts to accept fail, as without descriptors. */
function failingListener(failures: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    port: listener.addr.port,
    accept() {
      if (failures-- <= 0) return listener.accept();
      return Promise.reject(Object.assign(new Error("Too many open files"), { code: "EMFILE" }));
    },
    close: () => listener.close(),
  };
}

/** A server that answers what the handler says, by default with what was asked. */
function serve(handler: HttpHandler = echo, limits: Partial<ServerLimits> = {}): TestServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refuse = (status: number, message: string) => ({ status, headers: [], body: message });
  const server = new HttpServer({ listener, handler, refuse, limits });
  return {
    port: listener.addr.port,
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function echo({ method, target, body }: IncomingRequest) {
  try {
    return { status: 200, headers: [], body: `${method} ${target} ${await body.text(1 << 24)}` };
  } catch (error) {
    return { status: 400, headers: [], body: (error as Error).message };
  }
}

const get = (target: string, ...more: string[]) =>
  [`GET ${target} HTTP/1.1`, "Host: a", ...more, "", ""].join("\r\n");
const post = (target: string, body: string, ...more: string[]) =>
  [`POST ${target} HTTP/1.1`, "Host: a", `Content-Length: ${body.length}`, ...more, "", body]
    .join("\r\n");

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

Deno.test("HttpServer: takes heads up to its bound, and says what is too long", async () => {
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
    assert.deepEqual([status, body.startsWith("has a ")], [400, true], chunk);
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

Deno.test("HttpServer: a client of HTTP/1.0 is told that its connection is kept", async () => {
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

Deno.test("HttpServer: a client that expects 100-continue is told to go on, or why not", async () => {
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

/** A stream that a test feeds, and that tells when nobody wants it any more. */
function fed() {
  const cancelled = Promise.withResolvers<void>();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => cancelled.resolve(),
  });
  return {
    body,
    cancelled: cancelled.promise,
    add: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("broken")),
  };
}

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
  await using server = serve(() => ({ status: 200, headers: [], body }));
  using client = await RawClient.open(server.port, get("/"));
  await client.until("\r\n\r\n");
  let before = -1;
  // What the kernel holds for both sides is filled, and then no more is asked for.
  await eventually("the stream stands still", async () => {
    before = pulled;
    await new Promise((resolve) => setTimeout(resolve, 100));
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

Deno.test("HttpServer: a client that disconnects is told to the handler, before and within a response", async () => {
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
  await eventually("the first two are told", () => left.length === 2);
  const client = await RawClient.open(server.port, get("/stream"));
  await client.until("\r\n\r\n");
  client[Symbol.dispose]();
  await stream.cancelled;
  await eventually("nothing is open", () => server.server.connections === 0);
  assert.deepEqual(left.toSorted(), ["/get", "/post", "/stream"]);
});

Deno.test("HttpServer: a response to who has disconnected is no failure", async () => {
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

Deno.test("HttpServer: a body that trickles is given up", async () => {
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

Deno.test("HttpServer: who waits longest makes way when all places are taken", async () => {
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

Deno.test("HttpServer: who comes while all are busy waits for a place", async () => {
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
  await using server = new HttpServer({ listener, handler: echo, refuse });
  using client = await RawClient.open(listener.port, get("/"));
  assert.equal((await client.response()).body, "GET / ");
  assert.equal(server.acceptErrors, 3);
});

Deno.test("HttpServer: an address other than this machine's has its share of the places", async () => {
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
    listener: foreign,
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
